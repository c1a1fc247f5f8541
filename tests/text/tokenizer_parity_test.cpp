// Against the `tokenizers` library: tests/golden/tokenizers (scripts/make_tokenizer_goldens.py,
// which describes the form), or the files of the folder that PGTRAIN_TOKENIZER_GOLDENS names.
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/support.h"
#include "text/base64.h"
#include "text/gguf_vocabulary.h"
#include "text/hf_tokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using Ids = std::vector<int64_t>;

class Report {
 public:
  template <class T>
  void compare(const char* what, const T& actual, const T& expected, const std::string& text) {
    ++checks_;
    if (actual == expected) return;
    if (++failures_ <= 5)
      examples_ << what << ": " << json(actual).dump() << " instead of " << json(expected).dump()
                << " for \"" << escape_text(text).substr(0, 300) << "\"\n";
  }
  int64_t checks() const { return checks_; }
  int64_t failures() const { return failures_; }
  std::string examples() const { return examples_.str(); }

 private:
  int64_t checks_ = 0;
  int64_t failures_ = 0;
  std::ostringstream examples_;
};

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  const auto stream = tokenizer.stream_decoder();
  std::string text;
  for (const int64_t id : ids) {
    const std::string part = stream->push(id);
    CHECK(find_invalid_utf8(part) == std::string::npos);
    text += part;
  }
  return text + stream->finish();
}

Ids framed(const HuggingFaceTokenizer& tokenizer, const Ids& ids) {
  Ids result = tokenizer.frame().before;
  result.insert(result.end(), ids.begin(), ids.end());
  result.insert(result.end(), tokenizer.frame().after.begin(), tokenizer.frame().after.end());
  return result;
}

void compare_row(const HuggingFaceTokenizer& tokenizer, const json& row, Report& report) {
  const auto text = row["t"].get<std::string>();
  const auto plain = row["e"].get<Ids>();
  report.compare("encode", tokenizer.encode(text), plain, text);
  if (row.contains("es")) {
    report.compare("decode", tokenizer.decode(plain), row["es"].get<std::string>(), text);
    report.compare("stream", streamed(tokenizer, plain), row["es"].get<std::string>(), text);
  }
  if (!row.contains("s")) return;
  const Ids special = tokenizer.encode_with_special(text);
  report.compare("encode_with_special", special, row["s"].get<Ids>(), text);
  if (!row.contains("d")) return;
  report.compare("frame", framed(tokenizer, special), row[row.contains("f") ? "f" : "s"].get<Ids>(),
                 text);
  const auto expected = row["s"].get<Ids>();
  report.compare("decode", tokenizer.decode(expected), row["d"].get<std::string>(), text);
  report.compare("stream", streamed(tokenizer, expected), row["d"].get<std::string>(), text);
  if (!row.contains("r")) return;
  const auto random = row["r"].get<Ids>();
  report.compare("decode of random ids", tokenizer.decode(random), row["rd"].get<std::string>(),
                 row["r"].dump());
  report.compare("stream of random ids", streamed(tokenizer, random), row["rd"].get<std::string>(),
                 row["r"].dump());
}

template <class T>
void set(T& field, const json& vocabulary, const char* key) {
  if (vocabulary.contains(key)) field = vocabulary[key].get<T>();
}

template <class T>
void set(std::optional<T>& field, const json& vocabulary, const char* key) {
  if (vocabulary.contains(key)) field = vocabulary[key].get<T>();
}

GgufVocabulary vocabulary_of(const json& fields) {
  GgufVocabulary v;
  set(v.model, fields, "model");
  set(v.pre, fields, "pre");
  set(v.tokens, fields, "tokens");
  set(v.scores, fields, "scores");
  set(v.types, fields, "types");
  set(v.merges, fields, "merges");
  set(v.bos, fields, "bos");
  set(v.eos, fields, "eos");
  set(v.unk, fields, "unk");
  set(v.pad, fields, "pad");
  set(v.add_bos, fields, "add_bos");
  set(v.add_eos, fields, "add_eos");
  set(v.add_space_prefix, fields, "add_space_prefix");
  return v;
}

std::unique_ptr<HuggingFaceTokenizer> tokenizer_of(const json& head, const std::string& source) {
  HfTokenizerSettings settings;
  settings.eos_token = head["end"];
  if (head.contains("sentencepiece")) {
    const std::string model = decode_base64(head["sentencepiece"].get<std::string>()).value();
    return hf_tokenizer_from_json(tokenizer_json_from_sentencepiece(model, source), settings,
                                  source);
  }
  if (head.contains("gguf")) {
    const json converted = tokenizer_json_from_gguf(vocabulary_of(head["gguf"]), source);
    return hf_tokenizer_from_json(converted, settings, source);
  }
  return hf_tokenizer_from_json(head["tokenizer"], settings, source);
}

TEST_CASE("tokenizers: ids and texts equal to those of the tokenizers library", "[text]") {
  const char* other = std::getenv("PGTRAIN_TOKENIZER_GOLDENS");
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(other != nullptr ? other : "tests/golden/tokenizers")) {
    if (entry.path().extension() != ".jsonl") continue;
    ++files;
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);
    const auto tokenizer = tokenizer_of(json::parse(line), entry.path().filename().string());
    Report report;
    while (std::getline(file, line)) compare_row(*tokenizer, json::parse(line), report);
    INFO(entry.path().string());
    INFO(report.failures() << " of " << report.checks() << " differ\n" << report.examples());
    CHECK(report.failures() == 0);
    CHECK(report.checks() >= 40);
    if (other != nullptr)
      std::cout << entry.path().filename().string() << "\t" << report.checks() << "\t"
                << report.failures() << "\n";
  }
  CHECK(files > 0);
}

}  // namespace
}  // namespace pgtrain
