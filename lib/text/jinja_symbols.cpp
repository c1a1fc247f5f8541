#include "text/jinja_symbols.h"

#include <array>
#include <map>
#include <set>

#include "core/error.h"

namespace pgtrain::jinja {
namespace {

// Where a frame finds the value of a name when it begins.
enum class Source { kOutside, kParameter, kNowhere };

struct Symbols {
  const Symbols* parent = nullptr;
  std::map<std::string, Source> names;
  std::set<std::string> stored;

  bool knows(const std::string& name) const {
    return names.count(name) != 0 || (parent != nullptr && parent->knows(name));
  }
  bool is_known_outside(const std::string& name) const {
    return parent != nullptr && parent->knows(name);
  }
  void load(const std::string& name) {
    if (!knows(name)) names[name] = Source::kOutside;
  }
  void store(const std::string& name) {
    stored.insert(name);
    if (names.count(name) == 0)
      names[name] = is_known_outside(name) ? Source::kOutside : Source::kNowhere;
  }
  void declare(const std::string& name) {
    stored.insert(name);
    names[name] = Source::kParameter;
  }
  std::vector<std::string> hidden() const {
    std::vector<std::string> list;
    for (const auto& [name, source] : names)
      if (source == Source::kNowhere) list.push_back(name);
    return list;
  }
};

class Tracker {
 public:
  explicit Tracker(const std::string& name) : name_(name) {}

  void run(Program& program) {
    Symbols symbols;
    frame(program.body, symbols);
    program.hidden = symbols.hidden();
  }

 private:
  static constexpr int64_t kMostCopies = 400'000;

  // Statements of a frame, then the frames inside of it, which need all of its names.
  void frame(Body& body, Symbols& symbols) {
    visit(body, symbols);
    enter(body, symbols);
  }

  void visit(Body& body, Symbols& symbols) {
    for (Statement& statement : body) visit(statement, symbols);
  }

  void visit(Statement& s, Symbols& symbols) {
    switch (s.kind) {
      case StatementKind::kOutput:
      case StatementKind::kFor:
      case StatementKind::kFilterBlock:
        visit(s.value, symbols);
        break;
      case StatementKind::kIf:
        visit_if(s, 0, symbols);
        break;
      case StatementKind::kSet:
        visit(s.value, symbols);
        visit(s.target, symbols);
        break;
      case StatementKind::kSetBlock:
        visit(s.target, symbols);
        break;
      case StatementKind::kWith:
        for (auto& assignment : s.assignments) visit(assignment.second, symbols);
        break;
      case StatementKind::kMacro:
        symbols.store(s.target.name);
        break;
      case StatementKind::kText:
      case StatementKind::kGeneration:
      case StatementKind::kBreak:
      case StatementKind::kContinue:
        break;
    }
  }

  // jinja2 knows three parts: the body, all elifs one after the other, else.
  void visit_if(Statement& s, size_t at, Symbols& symbols) {
    visit(s.branches[at].condition, symbols);
    std::array<Symbols, 3> parts = {copy(symbols), copy(symbols), copy(symbols)};
    visit(s.branches[at].body, parts[0]);
    if (at == 0) {
      for (size_t i = 1; i < s.branches.size(); ++i)
        if (s.branches[i].condition) visit_if(s, i, parts[1]);
      if (!s.branches.back().condition) visit(s.branches.back().body, parts[2]);
    }
    unite(symbols, parts);
  }

  Symbols copy(const Symbols& symbols) {
    copies_ += 1 + static_cast<int64_t>(symbols.names.size());
    if (copies_ > kMostCopies)
      throw ConfigError(fmt::format("{}: too many names and branches", name_));
    return symbols;
  }

  static void unite(Symbols& symbols, const std::array<Symbols, 3>& parts) {
    std::map<std::string, size_t> stores;
    for (const Symbols& part : parts)
      for (const std::string& name : part.stored)
        if (symbols.stored.count(name) == 0) ++stores[name];
    for (const Symbols& part : parts) {
      for (const auto& [name, source] : part.names) symbols.names[name] = source;
      symbols.stored.insert(part.stored.begin(), part.stored.end());
    }
    for (const auto& [name, count] : stores)
      if (count < parts.size()) symbols.names[name] = Source::kOutside;
  }

  void visit(const ExpressionPtr& e, Symbols& symbols) {
    if (!e) return;
    if (e->kind == ExpressionKind::kName) symbols.load(e->name);
    for (const ExpressionPtr& operand : e->operands) visit(operand, symbols);
    for (const ExpressionPtr& argument : e->arguments.positional) visit(argument, symbols);
    for (const auto& argument : e->arguments.named) visit(argument.second, symbols);
  }

  void visit(const Target& target, Symbols& symbols) {
    for (const Target& part : target.parts) visit(part, symbols);
    if (!target.parts.empty()) return;
    if (target.attribute.empty())
      symbols.store(target.name);
    else
      symbols.load(target.name);
  }

  static void declare(const Target& target, Symbols& symbols) {
    for (const Target& part : target.parts) declare(part, symbols);
    if (target.parts.empty()) symbols.declare(target.name);
  }

  void enter(Body& body, const Symbols& symbols) {
    for (Statement& s : body) {
      if (s.kind == StatementKind::kIf)
        for (Branch& branch : s.branches) enter(branch.body, symbols);
      else if (s.kind == StatementKind::kMacro)
        enter_macro(*s.macro, symbols);
      else
        for (size_t i = 0; i < s.branches.size(); ++i) enter_branch(s, i, symbols);
    }
  }

  void enter_branch(Statement& s, size_t at, const Symbols& outer) {
    Symbols symbols;
    symbols.parent = &outer;
    if (s.kind == StatementKind::kFor && at == 0) {
      symbols.declare("loop");
      declare(s.target, symbols);
    }
    for (const auto& assignment : s.assignments) symbols.declare(assignment.first);
    frame(s.branches[at].body, symbols);
    s.branches[at].hidden = symbols.hidden();
  }

  void enter_macro(Macro& macro, const Symbols& outer) {
    Symbols symbols;
    symbols.parent = &outer;
    for (const std::string& parameter : macro.parameters) symbols.declare(parameter);
    for (const ExpressionPtr& otherwise : macro.defaults) visit(otherwise, symbols);
    frame(*macro.body, symbols);
    macro.hidden = symbols.hidden();
  }

  const std::string& name_;
  int64_t copies_ = 0;
};

}  // namespace

void find_hidden_names(Program& program, const std::string& name) { Tracker(name).run(program); }

}  // namespace pgtrain::jinja
