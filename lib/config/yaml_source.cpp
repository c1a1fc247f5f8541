#include "config/yaml_source.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/scalar.h"
#include "core/error.h"
#include "core/files.h"

namespace pgtrain {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Bytes of the well-formed UTF-8 sequence at the front of text; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0U) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead < 0xf0 || lead > 0xf4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  return (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f) ? 0 : 4;
}

// The scalar at text[at], possibly after an anchor or a tag, starts with a quote that nothing
// closes: yaml-cpp accepts that when the text ends with a line feed.
bool is_unclosed(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!'))
    at =
        std::min(text.find_first_not_of(" \t\r\n", text.find_first_of(" \t\r\n", at)), text.size());
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return false;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return false;
      ++at;
    }
  }
  return true;
}

// Turns yaml-cpp's events into nodes. Recursion, tags and aliases are judged here, before memory is
// spent on them.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& text, std::shared_ptr<const Source> source, bool with_lines,
              Problems& problems)
      : text_(text), source_(std::move(source)), with_lines_(with_lines), problems_(problems) {}

  NodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    // Stopping here also ends yaml-cpp's endless row of empty documents before a stray comma.
    const std::string rest =
        text_.substr(std::min(text_.size(), static_cast<size_t>(std::max(mark.pos, 0))), 3);
    if (rest == "---")
      throw YamlError(place(mark), "a second document starts here; only one is allowed");
    throw YamlError(
        place(mark),
        "this is not valid YAML: it does not continue what is above; check the indentation");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(make(ConfigNode::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw YamlError(place(mark), "an alias cannot stand inside the value it names");
    auto copy = std::make_shared<ConfigNode>(*found->second);
    copy->place = place(mark);
    check_depth(mark, copy->height);
    finish(copy, YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (mark.pos >= 0 && is_unclosed(text_, static_cast<size_t>(mark.pos)))
      throw YamlError(place(mark),
                      "this is not valid YAML: the quote that starts here is never closed");
    auto node = make(ConfigNode::Kind::kScalar, mark);
    node->text = value;
    node->is_quoted = tag == "!" || tag == kTagPrefix + std::string("str");
    check_tag(mark, tag, {"str", "int", "float", "bool"});
    finish(node, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, {"seq"});
    open(ConfigNode::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, {"map"});
    open(ConfigNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  static constexpr const char* kTagPrefix = "tag:yaml.org,2002:";

  // A list or map that is still being filled.
  struct Frame {
    std::shared_ptr<ConfigNode> node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool drops_value = false;  // the value of a key that was refused
    ConfigNode::Entry entry;
    std::unordered_map<std::string, Place> keys;
  };

  Place place(const YAML::Mark& mark) const {
    Place result;
    result.source = source_;
    if (!with_lines_ || mark.is_null()) return result;
    result.line = static_cast<size_t>(mark.line) + 1;
    result.column = static_cast<size_t>(mark.column) + 1;
    return result;
  }

  std::shared_ptr<ConfigNode> make(ConfigNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<ConfigNode>();
    node->kind = kind;
    node->place = place(mark);
    return node;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag,
                 std::initializer_list<const char*> allowed) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    const bool known = std::any_of(allowed.begin(), allowed.end(), [&](const char* name) {
      return tag == kTagPrefix + std::string(name);
    });
    if (!known)
      problems_.add_at(place(mark), "", "the YAML tag " + in_quotes(tag) + " is not supported");
  }

  void check_depth(const YAML::Mark& mark, int64_t levels) {
    if (static_cast<int64_t>(stack_.size()) + levels > kMaxConfigDepth)
      throw YamlError(place(mark), fmt::format("nested deeper than {} levels", kMaxConfigDepth));
  }

  void open(ConfigNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    check_depth(mark, 1);
    Frame frame;
    frame.node = make(kind, mark);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    finish(frame.node, frame.anchor);
  }

  void finish(const std::shared_ptr<ConfigNode>& node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = node;
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node->kind == ConfigNode::Kind::kMap && !parent.has_key) {
      take_key(parent, *node);
      return;
    }
    grow(*parent.node, *node);
    if (parent.node->kind == ConfigNode::Kind::kList) {
      parent.node->items.push_back(node);
      return;
    }
    parent.has_key = false;
    if (parent.drops_value) return;
    parent.entry.value = node;
    parent.node->entries.push_back(parent.entry);
  }

  void grow(ConfigNode& parent, const ConfigNode& child) {
    parent.size += child.size;
    parent.height = std::max(parent.height, child.height + 1);
    if (parent.size > kMaxConfigNodes)
      throw YamlError(parent.place, fmt::format("more than {} values", kMaxConfigNodes));
  }

  void take_key(Frame& frame, const ConfigNode& key) {
    frame.has_key = true;
    frame.drops_value = true;
    if (key.kind != ConfigNode::Kind::kScalar || key.text.empty()) {
      problems_.add_at(key.place, "", "a key must be a name, not " + key.summary());
      return;
    }
    if (key.text == "<<" && !key.is_quoted) {
      problems_.add_at(
          key.place, "",
          "the merge key '<<' is not supported; write the keys out or give several files");
      return;
    }
    const auto [first, is_new] = frame.keys.emplace(key.text, key.place);
    if (!is_new) {
      const std::string where =
          with_lines_ ? "; it was first set in line " + std::to_string(first->second.line) : "";
      problems_.add_at(key.place, "", "duplicate key " + in_quotes(key.text) + where);
      return;
    }
    frame.drops_value = false;
    frame.entry = {key.text, key.place, nullptr};
  }

  const std::string& text_;
  std::shared_ptr<const Source> source_;
  bool with_lines_;
  Problems& problems_;
  int documents_ = 0;
  NodePtr root_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, NodePtr> anchors_;
};

Place place_of(const YAML::Exception& error, const std::shared_ptr<const Source>& source,
               bool with_lines) {
  Place place;
  place.source = source;
  if (!with_lines || error.mark.is_null()) return place;
  place.line = static_cast<size_t>(error.mark.line) + 1;
  place.column = static_cast<size_t>(error.mark.column) + 1;
  return place;
}

}  // namespace

void check_characters(const std::string& text) {
  size_t line = 1;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(std::string_view(text).substr(at));
    if (length == 0)
      throw ConfigError(fmt::format("line {} is not valid UTF-8 (byte {})", line, at + 1));
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
      throw ConfigError(fmt::format("line {} holds a control character (byte {})", line, at + 1));
    if (c == '\n') ++line;
    at += length;
  }
}

std::shared_ptr<Source> read_source(const std::string& path, size_t order) {
  auto source = std::make_shared<Source>();
  source->name = path;
  source->order = order;
  try {
    source->text = read_file(path, kMaxConfigBytes);
  } catch (const DataError& e) {
    // read_file puts the path before the reason; the caller does so as well.
    const std::string message = e.what();
    throw ConfigError(message.rfind(path + ": ", 0) == 0 ? message.substr(path.size() + 2)
                                                         : message);
  }
  if (source->text.rfind(kByteOrderMark, 0) == 0) source->text.erase(0, kByteOrderMark.size());
  check_characters(source->text);
  return source;
}

NodePtr parse_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
                   bool with_lines, Problems& problems) {
  TreeBuilder builder(text, source, with_lines, problems);
  std::istringstream in(text);
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    throw YamlError(place_of(e, source, with_lines), "this is not valid YAML: " + e.msg);
  }
  const NodePtr root = builder.root();
  return root != nullptr && root->kind == ConfigNode::Kind::kNull ? nullptr : root;
}

}  // namespace pgtrain
