#include "text/json_view.h"

#include <cmath>
#include <utility>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {

void JsonView::fail(const std::string& problem) const {
  throw DataError(fmt::format("{}: {}{}{}", source_, place_, place_.empty() ? "" : ": ", problem));
}

JsonView JsonView::at(const std::string& key) const {
  if (!value_->is_object()) fail("must be an object");
  const auto found = value_->find(key);
  std::string place = place_.empty() ? key : place_ + "." + key;
  if (found == value_->end()) throw DataError(fmt::format("{}: {}: is missing", source_, place));
  return {*found, source_, std::move(place)};
}

std::optional<JsonView> JsonView::find(const std::string& key) const {
  if (!value_->is_object()) fail("must be an object");
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return at(key);
}

size_t JsonView::size() const {
  if (!value_->is_array()) fail("must be an array");
  return value_->size();
}

JsonView JsonView::at(size_t index) const {
  PG_CHECK(index < size(), "element {} of {}", index, size());
  return {(*value_)[index], source_, fmt::format("{}[{}]", place_, index)};
}

const std::string& JsonView::string() const {
  if (!value_->is_string()) fail("must be a string");
  const std::string& text = value_->get_ref<const std::string&>();
  if (find_invalid_utf8(text) != std::string::npos) fail("is not valid UTF-8");
  return text;
}

bool JsonView::boolean() const {
  if (!value_->is_boolean()) fail("must be true or false");
  return value_->get<bool>();
}

bool is_integer_in(const nlohmann::json& value, int64_t least, int64_t most) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return false;
  return value.get<int64_t>() >= least && value.get<int64_t>() <= most;
}

int64_t JsonView::integer(int64_t least, int64_t most) const {
  if (!is_integer_in(*value_, least, most))
    fail(fmt::format("must be an integer from {} to {}", least, most));
  return value_->get<int64_t>();
}

double JsonView::number() const {
  if (!value_->is_number() || !std::isfinite(value_->get<double>()))
    fail("must be a finite number");
  return value_->get<double>();
}

std::string JsonView::string_or(const std::string& key, const std::string& otherwise) const {
  const auto member = find(key);
  return member ? member->string() : otherwise;
}

bool JsonView::boolean_or(const std::string& key, bool otherwise) const {
  const auto member = find(key);
  return member ? member->boolean() : otherwise;
}

void check_json_depth(const nlohmann::json& value, int most, const std::string& source) {
  if (!value.is_structured()) return;
  if (most == 0) throw DataError(source + ": arrays and objects are nested too deeply");
  for (const nlohmann::json& element : value) check_json_depth(element, most - 1, source);
}

}  // namespace pgtrain
