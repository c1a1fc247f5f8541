#include "metrics/row.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace pgtrain {

Row& Row::put(std::string_view name, RowValue value) {
  for (auto& [old_name, old_value] : values_) {
    if (old_name != name) continue;
    old_value = std::move(value);
    return *this;
  }
  values_.emplace_back(std::string(name), std::move(value));
  return *this;
}

const RowValue* Row::find(std::string_view name) const {
  const auto found = std::find_if(values_.begin(), values_.end(),
                                  [&](const auto& value) { return value.first == name; });
  return found == values_.end() ? nullptr : &found->second;
}

double Row::number(std::string_view name) const {
  const RowValue* value = find(name);
  PG_CHECK(value != nullptr, "the row has no '{}'", name);
  if (const auto* integer = std::get_if<int64_t>(value)) return static_cast<double>(*integer);
  const auto* number = std::get_if<double>(value);
  PG_CHECK(number != nullptr, "'{}' is a text", name);
  return *number;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_number(double value) {
  PG_CHECK(std::isfinite(value), "JSON has no number for {}", value);
  std::array<char, 32> buffer;
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

std::string to_json_line(const Row& row) {
  std::string line = "{";
  std::string nonfinite;
  for (const auto& [name, value] : row.values()) {
    if (line.size() > 1) line += ',';
    line += json_string(name) + ':';
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      line += std::to_string(*integer);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      line += json_string(*text);
    } else if (std::isfinite(std::get<double>(value))) {
      line += json_number(std::get<double>(value));
    } else {
      line += "null";
      nonfinite += (nonfinite.empty() ? "" : ",") + json_string(name);
    }
  }
  if (!nonfinite.empty()) line += ",\"nonfinite\":[" + nonfinite + "]";
  return line + "}\n";
}

}  // namespace pgtrain
