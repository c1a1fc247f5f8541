// A libFuzzer target for the files of pretrained tokenizers.
//
// Input: a byte that says what follows: a tokenizer.json (even) or a SentencePiece model (odd); its
// bytes; two bytes 0xFF; a text. Whatever the file, there must be a DataError or a tokenizer
// for which the laws below hold; a broken one aborts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/gguf_vocabulary.h"
#include "text/hf_tokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Ids = std::vector<int64_t>;

void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken law: %s\n", what);
  std::abort();
}

void check_decoding(const HuggingFaceTokenizer& tokenizer, const Ids& ids) {
  const std::string whole = tokenizer.decode(ids);
  require(find_invalid_utf8(whole) == std::string::npos, "decode gives UTF-8");
  const auto stream = tokenizer.stream_decoder();
  std::string streamed;
  for (const int64_t id : ids) {
    const std::string part = stream->push(id);
    require(find_invalid_utf8(part) == std::string::npos, "push gives UTF-8");
    streamed += part;
  }
  require(streamed + stream->finish() == whole, "the stream gives what decode gives");
}

void check_ids(const HuggingFaceTokenizer& tokenizer, const Ids& ids, bool special_allowed) {
  for (const int64_t id : ids) {
    require(tokenizer.token(id) != nullptr, "ids have tokens");
    const bool is_fallback = id == tokenizer.unk_id() || tokenizer.token(id)->rfind("<0x", 0) == 0;
    require(special_allowed || is_fallback || !tokenizer.is_special(id),
            "text does not become special tokens");
  }
  check_decoding(tokenizer, ids);
}

void check_export(const HuggingFaceTokenizer& tokenizer) {
  try {
    const GgufVocabulary v = gguf_vocabulary(tokenizer.original_json(), tokenizer.settings());
    tokenizer_json_from_gguf(v, "gguf");
  } catch (const DataError&) {  // not everything can be said in GGUF
  }
}

void check_tokenizer(const HuggingFaceTokenizer& tokenizer, const std::string& text) {
  try {
    check_ids(tokenizer, tokenizer.encode(text), false);
    check_ids(tokenizer, tokenizer.encode_with_special(text), true);
    require(!tokenizer.encode_prompt(text).empty(), "a prompt is never empty");
  } catch (const DataError&) {  // a regular expression may reach its limits
  }
  Ids any;
  for (const char byte : text)
    any.push_back(static_cast<int64_t>(static_cast<unsigned char>(byte)) - 1);
  check_decoding(tokenizer, any);
  const auto again = tokenizer_from_json(tokenizer.to_json(), "again");
  require(again->to_json() == tokenizer.to_json(), "to_json gives an equal tokenizer");
  check_export(tokenizer);
}

// A token that ends a text must be named from outside.
HfTokenizerSettings settings() {
  HfTokenizerSettings result;
  result.end_ids = {0};
  return result;
}

void check(bool is_sentencepiece, std::string_view file, const std::string& text) {
  try {
    const nlohmann::json json =
        is_sentencepiece ? tokenizer_json_from_sentencepiece(file, "model")
                         : nlohmann::json::parse(file.begin(), file.end(), nullptr, false);
    if (json.is_discarded()) return;
    check_tokenizer(*hf_tokenizer_from_json(json, settings(), "json"), text);
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = rest.find("\xFF\xFF");
  const std::string_view text = end == std::string_view::npos ? "" : rest.substr(end + 2);
  pgtrain::check((data[0] & 1) != 0, rest.substr(0, end), pgtrain::replace_invalid_utf8(text));
  return 0;
}
