// Values of chat templates: what a Jinja expression can be. Text is UTF-8 that Python's str would
// hold; lists and dictionaries never change once made, so that they are shared freely and hold no
// cycles; namespaces, loops and macros belong to one rendering (jinja_evaluator.h) and are pointers
// here.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pgtrain::jinja {

// What goes wrong while a template runs, before the evaluator adds the place.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Value;
struct Namespace;
struct LoopState;
struct Closure;

// What Python would call it; it decides printing, indexing and repeated reading.
enum class SequenceKind { kList, kTuple, kKeys, kValues, kItems, kRange, kGenerator };

struct Sequence {
  SequenceKind kind = SequenceKind::kList;
  std::vector<Value> items;
  int depth = 1;                // of nested containers
  mutable size_t position = 0;  // generators: how many items were read already
};

struct Dict {
  std::vector<std::pair<std::string, Value>>
      items;  // in the order of insertion, keys all different
  int depth = 1;

  const Value* find(std::string_view key) const;
};

struct Undefined {
  std::shared_ptr<const std::string> what;  // "'name'", for messages
};
struct None {};

// A function of the language, such as range, or a method bound to its object.
struct Function {
  std::string name;
  std::shared_ptr<const Value> object;  // null for functions
};

struct Text {
  std::shared_ptr<const std::string> bytes;
  bool is_markup = false;  // made by the filter `safe`; nothing but printing works on it
};

class Value {
 public:
  using Data =
      std::variant<Undefined, None, bool, int64_t, double, Text, std::shared_ptr<const Sequence>,
                   std::shared_ptr<const Dict>, Namespace*, LoopState*, const Closure*, Function>;

  Value() : data_(None{}) {}
  Value(bool value) : data_(value) {}  // NOLINT(google-explicit-constructor)
  Value(int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(Text{std::make_shared<const std::string>(std::move(text))}) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(Namespace* value) : data_(value) {}
  Value(LoopState* value) : data_(value) {}
  Value(const Closure* value) : data_(value) {}
  explicit Value(Function value) : data_(std::move(value)) {}
  static Value undefined(std::string what);
  static Value markup(std::string text);
  // Throws Fault when containers nest deeper than kMaxValueDepth.
  static Value sequence(SequenceKind kind, std::vector<Value> items);
  static Value list(std::vector<Value> items) {
    return sequence(SequenceKind::kList, std::move(items));
  }
  // Later values of a key replace earlier ones, as in Python.
  static Value dict(std::vector<std::pair<std::string, Value>> items);
  // Throws DataError for numbers beyond int64, text that is not UTF-8 and deep nesting.
  static Value from_json(const nlohmann::ordered_json& json);

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data_);
  }
  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  bool is_bool() const { return is<bool>(); }
  bool is_text() const { return is<Text>(); }
  bool is_markup() const { return is_text() && std::get<Text>(data_).is_markup; }
  bool is_sequence() const { return is<std::shared_ptr<const Sequence>>(); }
  bool is_dict() const { return is<std::shared_ptr<const Dict>>(); }
  // Python's int, of which bool is one.
  bool is_integer() const { return is<int64_t>() || is_bool(); }
  bool is_number() const { return is_integer() || is<double>(); }

  bool boolean() const { return std::get<bool>(data_); }
  int64_t integer() const { return is_bool() ? (boolean() ? 1 : 0) : std::get<int64_t>(data_); }
  double number() const {
    return is<double>() ? std::get<double>(data_) : static_cast<double>(integer());
  }
  const std::string& text() const { return *std::get<Text>(data_).bytes; }
  const Sequence& sequence() const { return *std::get<std::shared_ptr<const Sequence>>(data_); }
  const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  const Function& function() const { return std::get<Function>(data_); }
  template <class T>
  T* pointer() const {
    return std::get<T*>(data_);
  }

  // "int", "str", "list", "undefined"...: Python's name, for messages.
  std::string type_name() const;
  // For a value that is undefined: what was looked for. Else type_name().
  std::string describe() const;
  int depth() const;

 private:
  Data data_;
};

constexpr int kMaxValueDepth = 64;

// Limits the work of comparing values and looking up keys in this thread while it lives: values
// share their parts, so that a small one can be exponentially large to walk through. Beyond the
// limit equal, compare and Dict::find throw Fault; without one they do not count.
class ComparisonLimit {
 public:
  explicit ComparisonLimit(int64_t work);
  ~ComparisonLimit();
  ComparisonLimit(const ComparisonLimit&) = delete;
  ComparisonLimit& operator=(const ComparisonLimit&) = delete;

 private:
  int64_t outer_;
};

// Python's bool(value).
bool truth(const Value& value);
// Python's ==, by value and type: 1 == 1.0 == True, "1" != 1.
bool equal(const Value& a, const Value& b);
// Python's <: negative, zero or positive. Throws Fault for types without an order.
int compare(const Value& a, const Value& b);

}  // namespace pgtrain::jinja
