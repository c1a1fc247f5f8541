#include "config/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/override.h"
#include "config/scalar.h"
#include "config/suggest.h"
#include "core/error.h"

namespace pgtrain {
namespace {

using Json = nlohmann::ordered_json;

std::string type_text(const Field& field) {
  if (!field.choices().empty()) {
    std::string names;
    for (const std::string& choice : field.choices()) names += (names.empty() ? "" : ", ") + choice;
    return (field.is_preset() ? "preset: one of " : "one of ") + names;
  }
  const std::string range = field.range().text();
  return kind_name(field.default_value()) + (range.empty() ? "" : " " + range);
}

std::string explain_field(const Field& field) {
  const std::string origin =
      field.is_required() ? "required" : "default " + scalar_text(field.default_value());
  return fmt::format("{}: {}; {}\n    {}\n", field.path(), type_text(field), origin, field.help());
}

std::string explain_section(const Section& section);

std::string explain_list(const BlockList& list) {
  return fmt::format("{}: list of blocks; default: {}\n    {}\n", list.path(),
                     elements_text(list.default_size()), list.help()) +
         explain_section(list.element());
}

std::string explain_item(const Section::Item& item) {
  if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content))
    return explain_field(**field);
  if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content))
    return explain_list(**list);
  const Section& nested = *std::get<std::unique_ptr<Section>>(item.content);
  return fmt::format("{}: block\n    {}\n", nested.path(), nested.help()) + explain_section(nested);
}

std::string explain_section(const Section& section) {
  std::string text;
  for (const Section::Item& item : section.items()) text += explain_item(item);
  return text;
}

// Descends by one name; key is the whole key, for the message.
const Section& enter(const Section& root, const Section::Item& item, const std::string& key) {
  if (const auto* nested = std::get_if<std::unique_ptr<Section>>(&item.content)) return **nested;
  if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content))
    return (*list)->element();
  const size_t dot = key.rfind('.');
  throw ConfigError(
      "unknown key " + in_quotes(key) +
      key_suggestion(root, root, dot == std::string::npos ? key : key.substr(dot + 1)));
}

Json to_json(const Scalar& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

Json limit(const Number& number) {
  return number.is_integer ? Json(number.integer) : Json(number.real);
}

Json field_schema(const Field& field) {
  static constexpr const char* kTypes[] = {"boolean", "integer", "number", "string", "array"};
  const Scalar& like = field.default_value();
  Json schema;
  schema["type"] = kTypes[like.index()];
  schema["description"] = field.help();
  if (std::holds_alternative<std::vector<std::string>>(like))
    schema["items"] = {{"type", "string"}};
  if (!field.choices().empty()) schema["enum"] = field.choices();
  const Range& range = field.range();
  if (range.low) schema[range.low_open ? "exclusiveMinimum" : "minimum"] = limit(*range.low);
  if (range.high) schema[range.high_open ? "exclusiveMaximum" : "maximum"] = limit(*range.high);
  if (!field.is_required()) schema["default"] = to_json(like);
  return schema;
}

Json section_schema(const Section& section);

// The values of a section as JSON, for the default of a list.
Json section_values(const Section& section) {
  Json values = Json::object();
  for (const Section::Item& item : section.items()) {
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      values[item.key] = to_json((*field)->value());
    } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
      values[item.key] = Json::array();
      for (size_t i = 0; i < (*list)->size(); ++i)
        values[item.key].push_back(section_values(*(*list)->at(i)));
    } else {
      values[item.key] = section_values(*std::get<std::unique_ptr<Section>>(item.content));
    }
  }
  return values;
}

Json list_schema(const BlockList& list) {
  Json defaults = Json::array();
  for (size_t i = 0; i < list.default_size(); ++i)
    defaults.push_back(section_values(*list.default_at(i)));
  Json schema;
  schema["type"] = "array";
  schema["description"] = list.help();
  schema["items"] = section_schema(list.element());
  schema["default"] = std::move(defaults);
  return schema;
}

bool is_required(const Section::Item& item) {
  if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content))
    return (*field)->is_required();
  const auto* nested = std::get_if<std::unique_ptr<Section>>(&item.content);
  if (nested == nullptr) return false;
  const auto& items = (*nested)->items();
  return std::any_of(items.begin(), items.end(), is_required);
}

Json section_schema(const Section& section) {
  Json schema;
  schema["type"] = "object";
  if (!section.help().empty()) schema["description"] = section.help();
  schema["additionalProperties"] = false;
  Json properties = Json::object();
  Json required = Json::array();
  for (const Section::Item& item : section.items()) {
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      properties[item.key] = field_schema(**field);
    } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
      properties[item.key] = list_schema(**list);
    } else {
      properties[item.key] = section_schema(*std::get<std::unique_ptr<Section>>(item.content));
    }
    if (is_required(item)) required.push_back(item.key);
  }
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

std::string explain(const Section& root, const std::string& key) {
  const Section* section = &root;
  const Section::Item* item = nullptr;
  for (size_t start = 0; !key.empty() && start <= key.size();) {
    const size_t end = std::min(key.find('.', start), key.size());
    const std::string name = key.substr(start, end - start);
    start = end + 1;
    // An index, or N for any, stands for an element of the list before it.
    const bool after_list =
        item != nullptr && std::holds_alternative<std::unique_ptr<BlockList>>(item->content);
    if (after_list && (name == "N" || list_index(name) >= 0)) continue;
    if (item != nullptr) section = &enter(root, *item, key);
    item = section->find(name);
    if (item == nullptr)
      throw ConfigError("unknown key " + in_quotes(section->path_of(name)) +
                        key_suggestion(root, *section, name));
  }
  return item == nullptr ? explain_section(root) : explain_item(*item);
}

std::string json_schema(const Section& root, const std::string& title) {
  Json schema;
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = title;
  schema.update(section_schema(root));
  return schema.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace pgtrain
