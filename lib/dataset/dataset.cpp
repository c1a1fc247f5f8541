#include "dataset/dataset.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "config/suggest.h"
#include "core/error.h"
#include "core/files.h"
#include "text/prompt_template.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr int kMaxDepth = 64;  // of nested JSON values

struct Line {
  std::string_view text;  // without the line break
  int64_t number;         // from 1
};

// The lines of a file, with or without a last line break; the text must outlive them.
std::vector<Line> split_lines(std::string_view text) {
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark)
    text.remove_prefix(kByteOrderMark.size());
  std::vector<Line> lines;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back({line, number});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

std::string show(std::string_view text) { return fmt::format("\"{}\"", escape_text(text)); }

// Reads one file; the names of the fields are fixed for the whole of it.
class Reader {
 public:
  Reader(const std::string& path, const std::string& prompt_field, const std::string& target_field,
         const std::optional<PromptTemplate>& prompt_template)
      : path_(path),
        prompt_field_(prompt_field),
        target_field_(target_field),
        prompt_template_(prompt_template) {}

  Dataset read() const {
    const std::string ending = path_.substr(std::min(path_.rfind('.'), path_.size()));
    const bool is_json = ending == ".jsonl" || ending == ".json";
    if (!is_json && ending != ".tsv")
      throw DataError(path_ + ": unknown kind of file; allowed: .jsonl, .json, .tsv");
    const std::string bytes = read_file(path_);
    const std::vector<Line> lines = split_lines(bytes);
    for (const Line& line : lines) check_utf8(line);
    Dataset dataset{path_, is_json ? read_json_lines(lines) : read_tsv(lines)};
    if (dataset.records.empty()) fail(1, 1, "the file holds no records");
    return dataset;
  }

 private:
  [[noreturn]] void fail(int64_t line, int64_t column, const std::string& problem) const {
    throw DataError(fmt::format("{}:{}:{}: {}", path_, line, column, problem));
  }

  // Column, in code points from 1, of a byte of the line.
  static int64_t column_of(std::string_view line, size_t byte) {
    return static_cast<int64_t>(decode_utf8_lossy(line.substr(0, byte)).size()) + 1;
  }

  void check_utf8(const Line& line) const {
    const size_t invalid = find_invalid_utf8(line.text);
    if (invalid == std::string_view::npos) return;
    fail(line.number, column_of(line.text, invalid),
         fmt::format("invalid UTF-8 (byte 0x{:02x})",
                     static_cast<unsigned char>(line.text[invalid])));
  }

  [[noreturn]] void fail_missing(const Line& line, const std::string& field,
                                 const std::vector<std::string>& present) const {
    std::string list;
    for (const std::string& name : present) list += (list.empty() ? "" : ", ") + show(name);
    const std::string close = nearest(field, present);
    fail(line.number, 1,
         fmt::format("no field {}; found: {}{}", show(field), list.empty() ? "nothing" : list,
                     close.empty() ? "" : "; did you mean " + show(close) + "?"));
  }

  // Parses one line and refuses what nlohmann_json would let pass: repeated keys and deep nesting.
  json parse(const Line& line) const {
    std::set<std::string> keys;
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > kMaxDepth) fail(line.number, 1, "the record is nested too deeply");
      if (depth == 1 && event == json::parse_event_t::key &&
          !keys.insert(value.get<std::string>()).second)
        fail(line.number, 1, "field " + show(value.get<std::string>()) + " appears twice");
      return true;
    };
    try {
      return json::parse(line.text.begin(), line.text.end(), watch);
    } catch (const json::parse_error& error) {
      const size_t byte = std::min(error.byte > 0 ? error.byte - 1 : 0, line.text.size());
      fail(line.number, column_of(line.text, byte), "bad JSON: " + reason(error.what()));
    } catch (const json::exception& error) {
      fail(line.number, 1, "bad JSON: " + reason(error.what()));
    }
  }

  // The part of nlohmann_json's message after "[json.exception.x] ... at line l, column c: ".
  static std::string reason(const std::string& message) {
    const size_t bracket = message.find("] ");
    std::string text = bracket == std::string::npos ? message : message.substr(bracket + 2);
    const size_t place = text.find(": ");
    if (text.rfind("parse error", 0) == 0 && place != std::string::npos)
      text = text.substr(place + 2);
    return text;
  }

  std::vector<Record> read_json_lines(const std::vector<Line>& lines) const {
    std::vector<Record> records;
    for (const Line& line : lines)
      if (!is_blank(line.text)) records.push_back(json_record(line));
    return records;
  }

  Record json_record(const Line& line) const {
    Record record;
    record.line = line.number;
    record.fields = parse(line);
    if (!record.fields.is_object())
      fail(line.number, 1,
           fmt::format("a line must be one JSON object, not {}", record.fields.type_name()));
    read_prompt(line, record);
    record.targets = target_texts(line, record.fields);
    return record;
  }

  const json& member(const Line& line, const json& fields, const std::string& name) const {
    const auto found = fields.find(name);
    if (found != fields.end()) return *found;
    std::vector<std::string> present;
    for (const auto& item : fields.items()) present.push_back(item.key());
    fail_missing(line, name, present);
  }

  std::string text_field(const Line& line, const json& fields, const std::string& name) const {
    const json& value = member(line, fields, name);
    if (!value.is_string())
      fail(line.number, 1,
           fmt::format("field {} must be a string, not {}", show(name), value.type_name()));
    return value.get<std::string>();
  }

  bool needs_prompt_field() const { return !prompt_field_.empty() && !prompt_template_; }

  void read_prompt(const Line& line, Record& record) const {
    if (prompt_template_)
      record.prompt =
          prompt_template_->render(record.fields, fmt::format("{}:{}:1", path_, line.number));
    else if (needs_prompt_field() && member(line, record.fields, prompt_field_).is_array())
      record.messages = conversation(line, record.fields.at(prompt_field_));
    else if (needs_prompt_field())
      record.prompt = text_field(line, record.fields, prompt_field_);
  }

  std::vector<ChatMessage> conversation(const Line& line, const json& list) const {
    if (list.empty())
      fail(line.number, 1, fmt::format("field {} has no messages", show(prompt_field_)));
    std::vector<ChatMessage> messages;
    for (const json& message : list)
      messages.push_back(chat_message(line, messages.size(), message));
    return messages;
  }

  // Other keys would be lost without a word, so that they are refused.
  ChatMessage chat_message(const Line& line, size_t index, const json& message) const {
    const std::string where = fmt::format("message {} of field {}", index + 1, show(prompt_field_));
    if (!message.is_object())
      fail(line.number, 1,
           fmt::format("{} must be an object with role and content, not {}", where,
                       message.type_name()));
    for (const auto& item : message.items())
      if (item.key() != "role" && item.key() != "content")
        fail(line.number, 1,
             fmt::format("{} has the key {}; allowed: role, content", where, show(item.key())));
    for (const char* key : {"role", "content"})
      if (!message.contains(key) || !message[key].is_string())
        fail(line.number, 1,
             fmt::format("{}: \"{}\" must be a string, not {}", where, key,
                         message.contains(key) ? message[key].type_name() : "missing"));
    if (message["role"].get_ref<const std::string&>().empty())
      fail(line.number, 1, fmt::format("{}: \"role\" must not be empty", where));
    return {message["role"].get<std::string>(), message["content"].get<std::string>()};
  }

  std::vector<std::string> target_texts(const Line& line, const json& fields) const {
    const json& value = member(line, fields, target_field_);
    if (value.is_string()) return {value.get<std::string>()};
    const bool is_text_list =
        value.is_array() && !value.empty() &&
        std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); });
    if (!is_text_list)
      fail(line.number, 1,
           fmt::format("field {} must be a string or a non-empty array of strings, not {}",
                       show(target_field_), describe_type(value)));
    return value.get<std::vector<std::string>>();
  }

  static std::string describe_type(const json& value) {
    if (!value.is_array()) return value.type_name();
    return value.empty() ? "an empty array" : "an array with other values";
  }

  static std::vector<std::string> split_columns(std::string_view line) {
    std::vector<std::string> columns;
    for (;;) {
      const size_t tab = line.find('\t');
      columns.emplace_back(line.substr(0, tab));
      if (tab == std::string_view::npos) return columns;
      line.remove_prefix(tab + 1);
    }
  }

  // The names of the columns: not empty, all different, with the fields that are needed.
  std::vector<std::string> read_header(const Line& line) const {
    std::vector<std::string> names = split_columns(line.text);
    int64_t column = 1;
    std::set<std::string> seen;
    for (const std::string& name : names) {
      if (name.empty()) fail(line.number, column, "the header has a column without a name");
      if (!seen.insert(name).second)
        fail(line.number, column, "the header names " + show(name) + " twice");
      column += static_cast<int64_t>(decode_utf8(name).size()) + 1;
    }
    if (needs_prompt_field() && seen.count(prompt_field_) == 0)
      fail_missing(line, prompt_field_, names);
    if (seen.count(target_field_) == 0) fail_missing(line, target_field_, names);
    return names;
  }

  std::vector<Record> read_tsv(const std::vector<Line>& lines) const {
    std::vector<Record> records;
    std::vector<std::string> names;
    for (const Line& line : lines) {
      if (line.text.empty()) continue;
      if (names.empty())
        names = read_header(line);
      else
        records.push_back(tsv_record(line, names));
    }
    return records;
  }

  Record tsv_record(const Line& line, const std::vector<std::string>& names) const {
    const std::vector<std::string> values = split_columns(line.text);
    if (values.size() != names.size())
      fail(line.number, 1,
           fmt::format("the line has {} columns, the header {}", values.size(), names.size()));
    Record record;
    record.line = line.number;
    record.fields = json::object();
    for (size_t i = 0; i < names.size(); ++i) record.fields[names[i]] = values[i];
    read_prompt(line, record);
    record.targets = {text_field(line, record.fields, target_field_)};
    return record;
  }

  const std::string& path_;
  const std::string& prompt_field_;
  const std::string& target_field_;
  const std::optional<PromptTemplate>& prompt_template_;
};

std::optional<PromptTemplate> parse_prompt_template(const std::string& source) {
  if (source.empty()) return std::nullopt;
  try {
    return PromptTemplate(source);
  } catch (const ConfigError& error) {
    throw ConfigError(std::string("data.prompt_template: ") + error.what());
  }
}

}  // namespace

Dataset load_dataset(const std::string& path, const std::string& prompt_field,
                     const std::string& target_field, const std::string& prompt_template) {
  if (target_field.empty()) throw ConfigError("data.target_field: must not be empty");
  const std::optional<PromptTemplate> parsed = parse_prompt_template(prompt_template);
  return Reader(path, prompt_field, target_field, parsed).read();
}

}  // namespace pgtrain
