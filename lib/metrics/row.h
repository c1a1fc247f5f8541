// One row of metrics and its JSON form, the line format of metrics.jsonl:
// one JSON object without white space in the order in which the values were set; integers in
// decimal; a double as the shortest decimal text that reads back to the same double; texts as UTF-8
// with the escapes that JSON demands (ill-formed bytes become U+FFFD). JSON has no NaN and no
// infinities: such a value is null, and a last member "nonfinite" lists the names. Equal values
// give equal bytes. Rows hold no clock times, so that a resumed run writes the same file as an
// uninterrupted one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace pgtrain {

using RowValue = std::variant<int64_t, double, std::string>;

class Row {
 public:
  // Sets a value; a name that is set again keeps its position.
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  Row& set(std::string_view name, T value) {
    if constexpr (std::is_integral_v<T>) return put(name, RowValue(static_cast<int64_t>(value)));
    return put(name, RowValue(static_cast<double>(value)));
  }
  Row& set(std::string_view name, std::string_view value) {
    return put(name, RowValue(std::string(value)));
  }

  // The value, or null when the name was never set.
  const RowValue* find(std::string_view name) const;
  // The value as a double, integers converted. Throws InternalError when it is missing or a text.
  double number(std::string_view name) const;
  const std::vector<std::pair<std::string, RowValue>>& values() const { return values_; }
  bool empty() const { return values_.empty(); }

 private:
  Row& put(std::string_view name, RowValue value);
  std::vector<std::pair<std::string, RowValue>> values_;
};

// The line, ended by a line feed.
std::string to_json_line(const Row& row);

// The text as a JSON string with its quotes.
std::string json_string(std::string_view text);

// The shortest decimal text of a finite double that JSON reads back to the same double ("0.1",
// "1e-07", "3").
std::string json_number(double value);

}  // namespace pgtrain
