// Prompts made of the fields of a record: "Translate to French: {source}\nFrench:".
//   {name}      the field: a string as it is, a number or boolean as JSON writes it
//   {meta.name} a field of a field that is an object
//   {{ and }}   literal braces
// A name is everything between the braces but dots and braces; spaces count.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

class PromptTemplate {
 public:
  // Throws ConfigError with the place in the template (column in code points from 1) for a brace
  // without partner, an empty name and text that is not UTF-8.
  explicit PromptTemplate(std::string_view source);

  // The prompt of a record, which must be an object. `place` is the record's, for messages:
  // "train.jsonl:7". Throws DataError for a field that is missing (naming those that exist) or is
  // neither a string, a number nor a boolean.
  std::string render(const nlohmann::json& record, const std::string& place) const;

 private:
  struct Part {
    std::string text;               // literal text, when path is empty
    std::vector<std::string> path;  // of a field
  };

  std::vector<Part> parts_;
};

}  // namespace pgtrain
