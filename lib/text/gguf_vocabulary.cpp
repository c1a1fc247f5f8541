#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"
#include "text/word_patterns.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr const char* kSpaceMark = "\xE2\x96\x81";

constexpr const char* kO200kExpression =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// How a pre-tokenizer of GGUF cuts words: expressions applied one after the other.
struct PreTokenizerKind {
  std::vector<const char*> names;  // the first one is written
  std::vector<const char*> expressions;
  bool ignore_merges = false;
  bool adds_bos = false;
  bool has_nfc = false;  // not said in GGUF, but what the models have
};

const std::vector<PreTokenizerKind>& pre_tokenizer_kinds() {
  static const std::vector<PreTokenizerKind> kinds = {
      {{"gpt-2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe"}, {kGpt2Expression}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "dbrx", "smaug-bpe"},
       {kLlama3Expression},
       true,
       true},
      {{"qwen2", "deepseek-r1-qwen", "stablelm2"}, {kQwen2Expression}, false, false, true},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"},
       {"\\p{N}", kGpt2Expression}},
      {{"gpt-4o", "llama4"}, {kO200kExpression}},
      {{"default"}, {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Expression, "\\p{N}+", "[0-9][0-9][0-9]"}},
  };
  return kinds;
}

const PreTokenizerKind& find_kind(const std::string& pre, const std::string& source) {
  std::string known;
  for (const PreTokenizerKind& kind : pre_tokenizer_kinds()) {
    for (const char* name : kind.names) {
      if (pre == name) return kind;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
  }
  throw DataError(fmt::format("{}: tokenizer.ggml.pre: \"{}\" is not known; known are {}", source,
                              escape_text(pre), known));
}

PieceType type_of(const GgufVocabulary& vocabulary, size_t id) {
  return vocabulary.types.empty() ? PieceType::kNormal
                                  : static_cast<PieceType>(vocabulary.types[id]);
}

void check(const GgufVocabulary& v, const std::string& source) {
  const auto fail = [&](const std::string& problem) { throw DataError(source + ": " + problem); };
  const size_t count = v.tokens.size();
  if (count == 0 || count > static_cast<size_t>(kMostTokenId))
    fail(fmt::format("tokenizer.ggml.tokens: has {} tokens", count));
  if (!v.types.empty() && v.types.size() != count)
    fail(fmt::format("tokenizer.ggml.token_type: has {} entries for {} tokens", v.types.size(),
                     count));
  if (!v.scores.empty() && v.scores.size() != count)
    fail(
        fmt::format("tokenizer.ggml.scores: has {} entries for {} tokens", v.scores.size(), count));
  for (size_t i = 0; i < v.types.size(); ++i)
    if (v.types[i] < 1 || v.types[i] > 6)
      fail(fmt::format("tokenizer.ggml.token_type[{}]: {} is not a type (1 to 6)", i, v.types[i]));
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t i = 0; i < count; ++i) {
    if (find_invalid_utf8(v.tokens[i]) != std::string::npos)
      fail(fmt::format("tokenizer.ggml.tokens[{}]: is not valid UTF-8", i));
    const auto [first, is_new] = ids.emplace(v.tokens[i], i);
    if (!is_new && type_of(v, i) != PieceType::kUnused)
      fail(fmt::format("tokenizer.ggml.tokens: {} and {} are both \"{}\"", first->second, i,
                       escape_text(v.tokens[i])));
  }
  for (const int64_t id : {v.bos, v.eos, v.unk, v.pad})
    if (id < -1 || id >= static_cast<int64_t>(count))
      fail(fmt::format("tokenizer.ggml: the special id {} is not below the number of tokens, {}",
                       id, count));
}

Json added_tokens_json(const GgufVocabulary& vocabulary) {
  Json list = Json::array();
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const PieceType type = type_of(vocabulary, i);
    if (type != PieceType::kControl && type != PieceType::kUserDefined) continue;
    if (vocabulary.tokens[i].empty()) continue;
    list.push_back({{"id", i},
                    {"content", vocabulary.tokens[i]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", type == PieceType::kControl}});
  }
  return list;
}

Json split_json(const char* expression) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", expression}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json byte_level_json(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json sequence_json(const Json& parts) { return {{"type", "Sequence"}, {"pretokenizers", parts}}; }

// In the form that the models' own files have.
Json pre_tokenizer_json(const PreTokenizerKind& kind) {
  const std::string name = kind.names.front();
  if (name == "gpt-2") return byte_level_json(true);
  if (name == "smollm")
    return sequence_json(Json::array(
        {Json{{"type", "Digits"}, {"individual_digits", true}}, byte_level_json(true)}));
  Json parts = Json::array();
  for (const char* expression : kind.expressions) parts.push_back(split_json(expression));
  parts.push_back(byte_level_json(false));
  return sequence_json(parts);
}

Json template_json(const GgufVocabulary& v, bool add_bos) {
  Json single = Json::array();
  Json special = Json::object();
  const auto add = [&](int64_t id) {
    const std::string& token = v.tokens[static_cast<size_t>(id)];
    single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
    special[token] = {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
  };
  if (add_bos && v.bos >= 0) add(v.bos);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (v.add_eos.value_or(false) && v.eos >= 0) add(v.eos);
  if (special.empty()) return nullptr;
  Json pair = single;
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", special}};
}

Json byte_level_bpe(const GgufVocabulary& v, const std::string& source) {
  const PreTokenizerKind& kind = find_kind(v.pre, source);
  Json vocab = Json::object();
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (type_of(v, i) != PieceType::kUnused) vocab[v.tokens[i]] = i;
  const Json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", kind.ignore_merges},
                      {"vocab", vocab},
                      {"merges", v.merges}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens_json(v)},
          {"normalizer", kind.has_nfc ? Json{{"type", "NFC"}} : Json(nullptr)},
          {"pre_tokenizer", pre_tokenizer_json(kind)},
          {"post_processor", template_json(v, v.add_bos.value_or(kind.adds_bos))},
          {"decoder", byte_level_json(true)},
          {"model", model}};
}

Json sentencepiece_bpe(const GgufVocabulary& v, const std::string& source) {
  if (v.scores.empty()) throw DataError(source + ": tokenizer.ggml.scores: is missing");
  SentencePieceModel model;
  model.kind = SentencePieceModel::Kind::kBpe;
  model.unk_id = v.unk >= 0 ? v.unk : 0;
  model.add_dummy_prefix = v.add_space_prefix.value_or(true);
  model.remove_extra_whitespaces = false;
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    if (v.tokens[i].empty())
      throw DataError(fmt::format("{}: tokenizer.ggml.tokens[{}]: is empty", source, i));
    model.pieces.push_back({v.tokens[i], v.scores[i], type_of(v, i)});
    model.byte_fallback = model.byte_fallback || model.pieces.back().type == PieceType::kByte;
  }
  model.pieces[static_cast<size_t>(model.unk_id)].type = PieceType::kUnknown;
  Json json = tokenizer_json(model);
  json["post_processor"] = template_json(v, v.add_bos.value_or(true));
  return json;
}

}  // namespace

Json tokenizer_json_from_gguf(const GgufVocabulary& vocabulary, const std::string& source) {
  check(vocabulary, source);
  if (vocabulary.model == "gpt2") return byte_level_bpe(vocabulary, source);
  if (vocabulary.model == "llama") return sentencepiece_bpe(vocabulary, source);
  throw DataError(
      fmt::format("{}: tokenizer.ggml.model: \"{}\" is not supported; supported are gpt2 and llama",
                  source, escape_text(vocabulary.model)));
}

HfTokenizerSettings gguf_settings(const GgufVocabulary& vocabulary) {
  const auto text = [&](int64_t id) {
    return id < 0 || id >= static_cast<int64_t>(vocabulary.tokens.size())
               ? std::string()
               : vocabulary.tokens[static_cast<size_t>(id)];
  };
  HfTokenizerSettings settings;
  settings.bos_token = text(vocabulary.bos);
  settings.eos_token = text(vocabulary.eos);
  settings.pad_token = text(vocabulary.pad);
  settings.unk_token = text(vocabulary.unk);
  settings.add_bos = vocabulary.add_bos;
  return settings;
}

namespace {

// The expressions that a pre-tokenizer of tokenizer.json applies before the bytes; nothing when it
// does something else.
std::optional<std::vector<std::string>> expressions_of(const JsonView& json) {
  const std::string& type = json.at("type").string();
  if (type == "ByteLevel") {
    if (json.boolean_or("add_prefix_space", true)) return std::nullopt;
    if (!json.boolean_or("use_regex", true)) return std::vector<std::string>{};
    return std::vector<std::string>{kGpt2Expression};
  }
  if (type == "Digits" && json.boolean_or("individual_digits", false))
    return std::vector<std::string>{"\\p{N}"};
  if (type == "Split") {
    const auto regex = json.at("pattern").is_object() ? json.at("pattern").find("Regex")
                                                      : std::optional<JsonView>();
    // Removing what does not match is the same where the expression matches everywhere.
    const bool isolates =
        json.at("behavior").string() == "Isolated" ||
        (json.at("behavior").string() == "Removed" && json.boolean_or("invert", false));
    if (!regex || !isolates) return std::nullopt;
    return std::vector<std::string>{regex->string()};
  }
  if (type != "Sequence") return std::nullopt;
  std::vector<std::string> all;
  const JsonView parts = json.at("pretokenizers");
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto some = expressions_of(parts.at(i));
    if (!some) return std::nullopt;
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

const PreTokenizerKind& recognise(const JsonView& json) {
  const auto pre_tokenizer = json.find("pre_tokenizer");
  if (pre_tokenizer) {
    if (const auto expressions = expressions_of(*pre_tokenizer)) {
      for (const PreTokenizerKind& kind : pre_tokenizer_kinds())
        if (std::equal(expressions->begin(), expressions->end(), kind.expressions.begin(),
                       kind.expressions.end()))
          return kind;
    }
  }
  json.fail("pre_tokenizer: has no name in GGUF");
}

bool is_byte_piece(const std::string& token) {
  return token.size() == 6 && token.rfind("<0x", 0) == 0 && token.back() == '>';
}

// SentencePiece's score of a token: the earlier the rule that makes it, the higher.
std::unordered_map<std::string, float> scores_by_merges(const JsonView& merges) {
  std::unordered_map<std::string, float> scores;
  for (size_t i = 0; i < merges.size(); ++i) {
    const nlohmann::json& merge = merges.value()[i];
    std::string made;
    if (merge.is_array()) {
      made = merges.at(i).at(size_t{0}).string() + merges.at(i).at(1).string();
    } else {
      made = merges.at(i).string();
      made.erase(made.find(' '), 1);
    }
    scores.emplace(made, -static_cast<float>(i + 1));
  }
  return scores;
}

void set_tokens(const HuggingFaceTokenizer& tokenizer, const std::vector<AddedToken>& added,
                GgufVocabulary& v) {
  const auto size = static_cast<size_t>(tokenizer.vocab_size());
  v.tokens.resize(size);
  v.types.assign(size, static_cast<int32_t>(PieceType::kUnused));
  for (size_t i = 0; i < size; ++i) {
    const std::string* token = tokenizer.token(static_cast<int64_t>(i));
    v.tokens[i] = token != nullptr ? *token : fmt::format("[PAD{}]", i);
    if (token != nullptr) v.types[i] = static_cast<int32_t>(PieceType::kNormal);
    if (token != nullptr && v.model == "llama" && is_byte_piece(*token))
      v.types[i] = static_cast<int32_t>(PieceType::kByte);
  }
  for (const AddedToken& token : added) {
    const auto id = static_cast<size_t>(token.id);
    v.tokens[id] = token.content;
    v.types[id] =
        static_cast<int32_t>(token.special ? PieceType::kControl : PieceType::kUserDefined);
  }
  if (v.model == "llama" && v.unk >= 0)
    v.types[static_cast<size_t>(v.unk)] = static_cast<int32_t>(PieceType::kUnknown);
}

void set_frame(const HuggingFaceTokenizer& tokenizer, const JsonView& json, GgufVocabulary& v) {
  const TextFrame& frame = tokenizer.frame();
  v.add_bos = !frame.before.empty();
  v.add_eos = !frame.after.empty();
  if ((*v.add_bos && frame.before != std::vector<int64_t>{v.bos}) ||
      (*v.add_eos && frame.after != std::vector<int64_t>{v.eos}))
    json.fail("post_processor: GGUF can add bos_token before and eos_token after a text only");
}

void set_scores(const HuggingFaceTokenizer& tokenizer, const JsonView& merges, GgufVocabulary& v) {
  v.pre = "default";
  const std::vector<int64_t> a = tokenizer.encode("a");
  const std::string* first = a.empty() ? nullptr : tokenizer.token(a.front());
  v.add_space_prefix = first != nullptr && first->rfind(kSpaceMark, 0) == 0;
  const auto scores = scores_by_merges(merges);
  for (const std::string& token : v.tokens) {
    const auto found = scores.find(token);
    v.scores.push_back(found == scores.end() ? 0 : found->second);
  }
}

void set_merges(const JsonView& json, GgufVocabulary& v) {
  const auto decoder = json.find("decoder");
  if (!decoder || decoder->at("type").string() != "ByteLevel")
    json.fail("decoder: GGUF is written for byte-level BPE and BPE with byte fallback only");
  const PreTokenizerKind& kind = recognise(json);
  v.pre = kind.names.front();
  const JsonView model = json.at("model");
  if (model.boolean_or("ignore_merges", false) != kind.ignore_merges)
    model.fail(fmt::format("ignore_merges must be {} for GGUF's pre-tokenizer {}",
                           kind.ignore_merges, v.pre));
  const JsonView merges = model.at("merges");
  for (size_t i = 0; i < merges.size(); ++i) {
    const JsonView merge = merges.at(i);
    v.merges.push_back(merge.is_array() ? merge.at(size_t{0}).string() + " " + merge.at(1).string()
                                        : merge.string());
  }
}

}  // namespace

GgufVocabulary gguf_vocabulary(const nlohmann::json& tokenizer_json,
                               const HfTokenizerSettings& settings) {
  const std::string source = "tokenizer.json";
  const auto tokenizer = hf_tokenizer_from_json(tokenizer_json, settings, source);
  const JsonView json(tokenizer_json, source);
  const JsonView model = json.at("model");
  if (!model.find("merges")) model.fail("GGUF is written for BPE only");
  GgufVocabulary v;
  v.model = model.boolean_or("byte_fallback", false) ? "llama" : "gpt2";
  v.bos = tokenizer->bos_id();
  v.eos = tokenizer->eos_id();
  v.pad = tokenizer->pad_id();
  v.unk = tokenizer->unk_id();
  set_frame(*tokenizer, json, v);
  set_tokens(*tokenizer, tokenizer->added_tokens(), v);
  if (v.model == "llama")
    set_scores(*tokenizer, model.at("merges"), v);
  else
    set_merges(json, v);
  return v;
}

}  // namespace pgtrain
