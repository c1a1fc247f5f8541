// A value inside a JSON document and the place where it stands, for strict reading: every check
// that fails throws DataError "source: key: what is wrong".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace pgtrain {

class JsonView {
 public:
  // The whole document; `value` must outlive the view and all views made from it.
  JsonView(const nlohmann::json& value, const std::string& source)
      : value_(&value), source_(source) {}

  [[noreturn]] void fail(const std::string& problem) const;

  const nlohmann::json& value() const { return *value_; }
  bool is_string() const { return value_->is_string(); }
  bool is_array() const { return value_->is_array(); }
  bool is_object() const { return value_->is_object(); }

  // The member of an object; at() throws when there is none, find() gives nothing for a missing one
  // and for null.
  JsonView at(const std::string& key) const;
  std::optional<JsonView> find(const std::string& key) const;
  // Elements of an array; size() throws when the value is none.
  size_t size() const;
  JsonView at(size_t index) const;

  // Valid UTF-8.
  const std::string& string() const;
  bool boolean() const;
  // In [least, most].
  int64_t integer(int64_t least, int64_t most) const;
  // Finite.
  double number() const;

  // Members with a default for missing and null.
  std::string string_or(const std::string& key, const std::string& otherwise) const;
  bool boolean_or(const std::string& key, bool otherwise) const;

 private:
  JsonView(const nlohmann::json& value, std::string source, std::string place)
      : value_(&value), source_(std::move(source)), place_(std::move(place)) {}

  const nlohmann::json* value_;
  std::string source_;
  std::string place_;
};

// Whether the value is an integer in [least, most].
bool is_integer_in(const nlohmann::json& value, int64_t least, int64_t most);

// Throws DataError when arrays and objects are nested more than `most` levels, which everything
// that recurses over a document relies on.
void check_json_depth(const nlohmann::json& value, int most, const std::string& source);

}  // namespace pgtrain
