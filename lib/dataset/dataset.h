// Records from files. Two formats, by the ending of the name:
// - .jsonl, .json: one JSON object a line; the target field is a string or a non-empty array of
//   strings, each of them an accepted answer; the prompt field is a string or a conversation, a
//   non-empty array of {"role": ..., "content": ...}.
// - .tsv: a header line with the names of the columns, then one record a line; columns are
//   separated by one tab; there is no quoting and no escaping.
// Both are UTF-8; a byte-order mark at the beginning and CR before LF are accepted; empty lines are
// passed over.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/chat_template.h"

namespace pgtrain {

class Section;

// NOLINTNEXTLINE(bugprone-exception-escape): clang-tidy 14 takes the move of a json to throw.
struct Record {
  std::string prompt;
  std::vector<ChatMessage> messages;  // of a conversation, whose prompt is empty; else empty
  std::vector<std::string> targets;   // at least one
  nlohmann::json fields;              // the whole record, an object
  int64_t line = 0;                   // in the file, from 1
};

struct Dataset {
  std::string path;
  std::vector<Record> records;  // at least one after load_dataset

  int64_t size() const { return static_cast<int64_t>(records.size()); }
  const Record& operator[](int64_t i) const { return records[static_cast<size_t>(i)]; }
};

struct DataOptions {
  std::string train;  // file of the records to train on
  std::string eval;   // file of the records to evaluate on; empty = none
  std::string prompt_field =
      "prompt";                 // name of the field with the prompt; empty = every prompt is empty
  std::string prompt_template;  // makes the prompt of the fields (text/prompt_template.h); empty =
                                // the prompt field as it is
  std::string target_field = "target";  // name of the field with the target text or texts
};
void describe(Section& s, DataOptions& o);

// All records of the file. Throws DataError "path:line:column: message" for anything wrong in it
// (lines and columns from 1, columns in code points), ConfigError for an empty target_field and a
// prompt_template that is wrong. With a template the prompt field is not read.
Dataset load_dataset(const std::string& path, const std::string& prompt_field,
                     const std::string& target_field, const std::string& prompt_template = "");

}  // namespace pgtrain
