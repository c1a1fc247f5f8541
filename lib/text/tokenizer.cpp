#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "text/bpe_trainer.h"
#include "text/hf_tokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"
#include "text/utf8_stream.h"
#include "text/words.h"

namespace pgtrain {
namespace {

enum SpecialId : int64_t { kPad, kBos, kEos, kSep, kUnk, kNumSpecial };
constexpr std::array<const char*, kNumSpecial> kSpecialNames = {"<pad>", "<bos>", "<eos>", "<sep>",
                                                                "<unk>"};
constexpr int64_t kFormatVersion = 1;
constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

// What char and word tokenizers share: a list of learned tokens with ids from kNumSpecial on.
class Vocabulary {
 public:
  explicit Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
    for (size_t i = 0; i < tokens_.size(); ++i)
      ids_.emplace(tokens_[i], kNumSpecial + static_cast<int64_t>(i));
  }

  int64_t size() const { return kNumSpecial + static_cast<int64_t>(tokens_.size()); }
  const std::vector<std::string>& tokens() const { return tokens_; }

  // The id, or -1.
  int64_t find(const std::string& token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? -1 : found->second;
  }

  // The learned token with that id; nullptr for special tokens and ids out of range.
  const std::string* token(int64_t id) const {
    return id < kNumSpecial || id >= size() ? nullptr
                                            : &tokens_[static_cast<size_t>(id - kNumSpecial)];
  }

 private:
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int64_t> ids_;
};

// The text of an id that is not a learned token.
std::string special_text(int64_t id) {
  if (id >= 0 && id < kNumSpecial) return kSpecialNames[static_cast<size_t>(id)];
  return fmt::format("<id {}>", id);
}

nlohmann::json json_head(const char* kind) {
  return {{"pgtrain_tokenizer", kFormatVersion}, {"kind", kind}, {"special_tokens", kSpecialNames}};
}

class NativeTokenizer : public Tokenizer {
 public:
  // <bos> prompt <sep>
  std::vector<int64_t> encode_prompt(std::string_view prompt) const override {
    std::vector<int64_t> ids = {kBos};
    const std::vector<int64_t> text = encode(prompt);
    ids.insert(ids.end(), text.begin(), text.end());
    ids.push_back(kSep);
    return ids;
  }
  int64_t pad_id() const override { return kPad; }
  int64_t bos_id() const override { return kBos; }
  int64_t unk_id() const override { return kUnk; }
  const std::vector<int64_t>& end_ids() const override {
    static const std::vector<int64_t> ids = {kEos};
    return ids;
  }
};

class VocabularyTokenizer : public NativeTokenizer {
 public:
  VocabularyTokenizer(const char* kind, std::vector<std::string> tokens)
      : vocabulary_(std::move(tokens)), kind_(kind) {}

  int64_t vocab_size() const override { return vocabulary_.size(); }
  std::string token_text(int64_t id) const override {
    const std::string* token = vocabulary_.token(id);
    return token ? escape_text(*token) : special_text(id);
  }
  nlohmann::json to_json() const override {
    nlohmann::json json = json_head(kind_);
    json["tokens"] = vocabulary_.tokens();
    return json;
  }

 protected:
  Vocabulary vocabulary_;

 private:
  const char* kind_;
};

// The text of each token by itself; of the word kind without the space that decode drops.
class VocabularyStream final : public StreamDecoder {
 public:
  VocabularyStream(const Vocabulary& vocabulary, bool drops_first_space)
      : vocabulary_(vocabulary), drops_space_(drops_first_space) {}
  std::string push(int64_t id) override {
    const std::string* token = vocabulary_.token(id);
    if (token == nullptr) return "";
    const bool drops = std::exchange(drops_space_, false) && token->front() == ' ';
    return token->substr(drops ? 1 : 0);
  }
  std::string finish() override { return ""; }

 private:
  const Vocabulary& vocabulary_;
  bool drops_space_;
};

class CharTokenizer final : public VocabularyTokenizer {
 public:
  explicit CharTokenizer(std::vector<std::string> tokens)
      : VocabularyTokenizer("char", std::move(tokens)) {
    for (const std::string& token : vocabulary_.tokens())
      ids_.emplace(decode_utf8(token).front(), vocabulary_.find(token));
  }

  std::vector<int64_t> encode(std::string_view text) const override {
    const std::u32string code_points = decode_utf8(text);
    std::vector<int64_t> ids;
    ids.reserve(code_points.size());
    for (char32_t c : code_points) {
      const auto found = ids_.find(c);
      ids.push_back(found == ids_.end() ? int64_t{kUnk} : found->second);
    }
    return ids;
  }

  std::string decode(const std::vector<int64_t>& ids) const override {
    std::string text;
    for (int64_t id : ids)
      if (const std::string* token = vocabulary_.token(id)) text += *token;
    return text;
  }

  std::unique_ptr<StreamDecoder> stream_decoder() const override {
    return std::make_unique<VocabularyStream>(vocabulary_, false);
  }

 private:
  std::unordered_map<char32_t, int64_t> ids_;
};

class ByteTokenizer final : public NativeTokenizer {
 public:
  static constexpr int64_t kVocabSize = kNumSpecial + 256;

  int64_t vocab_size() const override { return kVocabSize; }

  std::vector<int64_t> encode(std::string_view text) const override {
    const size_t invalid = find_invalid_utf8(text);
    if (invalid != std::string_view::npos)
      throw DataError(fmt::format("invalid UTF-8 at byte {}", invalid));
    std::vector<int64_t> ids;
    ids.reserve(text.size());
    for (char byte : text) ids.push_back(kNumSpecial + static_cast<unsigned char>(byte));
    return ids;
  }

  std::string decode(const std::vector<int64_t>& ids) const override {
    std::string bytes;
    for (int64_t id : ids)
      if (is_byte(id)) bytes.push_back(static_cast<char>(id - kNumSpecial));
    return replace_invalid_utf8(bytes);
  }

  std::unique_ptr<StreamDecoder> stream_decoder() const override {
    return std::make_unique<ByteStream>();
  }

  std::string token_text(int64_t id) const override {
    if (!is_byte(id)) return special_text(id);
    return escape_text(std::string(1, static_cast<char>(id - kNumSpecial)));
  }

  nlohmann::json to_json() const override { return json_head("byte"); }

 private:
  class ByteStream final : public StreamDecoder {
   public:
    std::string push(int64_t id) override {
      if (!is_byte(id)) return "";
      const char byte = static_cast<char>(id - kNumSpecial);
      return utf8_.push({&byte, 1});
    }
    std::string finish() override { return utf8_.finish(); }

   private:
    Utf8Stream utf8_;
  };

  static bool is_byte(int64_t id) { return id >= kNumSpecial && id < kVocabSize; }
};

constexpr const char* kSpaceToken = " ";

class WordTokenizer final : public VocabularyTokenizer {
 public:
  // The first token must be kSpaceToken.
  explicit WordTokenizer(std::vector<std::string> tokens)
      : VocabularyTokenizer("word", std::move(tokens)) {}

  std::vector<int64_t> encode(std::string_view text) const override {
    std::vector<int64_t> ids;
    bool at_start = true;
    for (const WordPiece& piece : split_words(text)) {
      append_piece(ids, piece, at_start);
      at_start = false;
    }
    return ids;
  }

  std::string decode(const std::vector<int64_t>& ids) const override {
    std::string text;
    for (int64_t id : ids)
      if (const std::string* token = vocabulary_.token(id)) text += *token;
    if (!text.empty() && text.front() == ' ') text.erase(0, 1);
    return text;
  }
  std::unique_ptr<StreamDecoder> stream_decoder() const override {
    return std::make_unique<VocabularyStream>(vocabulary_, true);
  }

 private:
  // A word at the text's beginning is looked up with its space first, because decode drops that
  // space.
  void append_piece(std::vector<int64_t>& ids, const WordPiece& piece, bool at_start) const {
    const bool space = piece.space_before && !at_start;
    if (piece.is_word && (space || at_start)) {
      const int64_t id = vocabulary_.find(kSpaceToken + piece.text);
      if (id >= 0) return ids.push_back(id);
    }
    const int64_t id = vocabulary_.find(piece.text);
    if (id >= 0 && space) ids.push_back(kNumSpecial);  // kSpaceToken
    ids.push_back(id >= 0 ? id : int64_t{kUnk});
  }
};

using Counts = std::map<std::string, int64_t>;

// The most frequent `limit` tokens (0 = all), ties in the order of their bytes.
std::vector<std::string> most_frequent(const Counts& counts, int64_t limit) {
  std::vector<std::pair<std::string, int64_t>> entries(counts.begin(), counts.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (limit > 0 && static_cast<int64_t>(entries.size()) > limit)
    entries.resize(static_cast<size_t>(limit));
  std::vector<std::string> tokens;
  tokens.reserve(entries.size());
  for (auto& entry : entries) tokens.push_back(std::move(entry.first));
  return tokens;
}

Counts count_characters(const std::vector<std::string_view>& texts) {
  std::unordered_map<char32_t, int64_t> counts;
  for (std::string_view text : texts)
    for (char32_t c : decode_utf8(text)) ++counts[c];
  Counts result;
  for (const auto& [c, count] : counts) result[encode_utf8({&c, 1})] = count;
  return result;
}

Counts count_words(const std::vector<std::string_view>& texts) {
  Counts counts;
  for (std::string_view text : texts) {
    bool at_start = true;
    for (const WordPiece& piece : split_words(text)) {
      const bool spaced = piece.is_word && (piece.space_before || at_start);
      ++counts[spaced ? kSpaceToken + piece.text : piece.text];
      at_start = false;
    }
  }
  return counts;
}

void check_learned(const Counts& counts) {
  if (counts.empty())
    throw DataError("tokenizer: the texts hold nothing to learn a vocabulary from");
}

// The least vocab_size of each kind: the special tokens and what the kind always has, and one
// learned token.
int64_t least_vocab_size(const std::string& kind) {
  if (kind == "char" || kind == "auto") return kNumSpecial + 1;
  if (kind == "word") return kNumSpecial + 2;
  if (kind == "byte") return ByteTokenizer::kVocabSize;
  if (kind == "bpe") return kMinBpeVocabulary;
  throw ConfigError(
      fmt::format("tokenizer.kind: \"{}\" is unknown; allowed: char, byte, word, bpe, file", kind));
}

// Reads tokenizer.json; every error names source and key.
class JsonReader {
 public:
  JsonReader(const nlohmann::json& json, std::string source)
      : json_(json), source_(std::move(source)) {}

  std::unique_ptr<Tokenizer> read() const {
    if (!json_.is_object()) fail("", "must be an object");
    if (value("pgtrain_tokenizer") != kFormatVersion)
      fail("pgtrain_tokenizer", fmt::format("must be {}", kFormatVersion));
    const nlohmann::json& kind = value("kind");
    if (!kind.is_string()) fail("kind", "must be a string");
    if (value("special_tokens") != nlohmann::json(kSpecialNames))
      fail("special_tokens", "must be " + nlohmann::json(kSpecialNames).dump());
    check_keys(kind != "byte");
    if (kind == "byte") return std::make_unique<ByteTokenizer>();
    if (kind == "char") return std::make_unique<CharTokenizer>(tokens(is_character));
    if (kind == "word") return read_words();
    fail("kind", "must be char, byte or word");
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& problem) const {
    throw DataError(fmt::format("{}: {}{}", source_, key.empty() ? "" : key + ": ", problem));
  }

  const nlohmann::json& value(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail(key, "is missing");
    return *found;
  }

  void check_keys(bool with_tokens) const {
    for (const auto& item : json_.items()) {
      const std::string& key = item.key();
      if (key != "pgtrain_tokenizer" && key != "kind" && key != "special_tokens" &&
          !(with_tokens && key == "tokens"))
        fail(escape_text(key), "is not a key of tokenizer.json for this kind");
    }
  }

  // True for one code point in UTF-8.
  static bool is_character(const std::string& token) {
    return find_invalid_utf8(token) == std::string::npos && decode_utf8(token).size() == 1;
  }

  // True for what the word tokenizer can produce: " ", a symbol, a word, or a space and a word.
  static bool is_word_token(const std::string& token) {
    if (token == kSpaceToken) return true;
    if (find_invalid_utf8(token) != std::string::npos) return false;
    const std::vector<WordPiece> pieces = split_words(token);
    if (pieces.size() != 1) return false;
    const WordPiece& piece = pieces.front();
    return token == piece.text || (piece.is_word && token == kSpaceToken + piece.text);
  }

  std::vector<std::string> tokens(bool (*is_token)(const std::string&)) const {
    const nlohmann::json& list = value("tokens");
    if (!list.is_array() || list.empty()) fail("tokens", "must be a non-empty array of strings");
    std::vector<std::string> tokens;
    std::unordered_map<std::string, size_t> seen;
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string key = fmt::format("tokens[{}]", i);
      if (!list[i].is_string()) fail(key, "must be a string");
      tokens.push_back(list[i].get<std::string>());
      if (!is_token(tokens.back()))
        fail(key, fmt::format("\"{}\" is not a token of this kind", escape_text(tokens.back())));
      const auto [entry, is_new] = seen.emplace(tokens.back(), i);
      if (!is_new) fail(key, fmt::format("is the same as tokens[{}]", entry->second));
    }
    return tokens;
  }

  std::unique_ptr<Tokenizer> read_words() const {
    std::vector<std::string> words = tokens(is_word_token);
    if (words.front() != kSpaceToken) fail("tokens[0]", "must be a space");
    return std::make_unique<WordTokenizer>(std::move(words));
  }

  const nlohmann::json& json_;
  std::string source_;
};

// The special tokens are those of the native kinds. Only <bos> stands before a prompt and nothing
// after it: that is what tokenizer.json can tell transformers and GGUF can tell llama.cpp.
std::unique_ptr<Tokenizer> learn_bpe(const TokenizerOptions& options,
                                     const std::vector<std::string_view>& texts) {
  if (options.vocab_size == 0) throw ConfigError("tokenizer.vocab_size: kind bpe needs one");
  nlohmann::json json = train_byte_level_bpe(texts, options.vocab_size);
  const auto special = [](SpecialId id) {
    return nlohmann::json{{"SpecialToken", {{"id", kSpecialNames[id]}, {"type_id", 0}}}};
  };
  const auto definition = [](SpecialId id) {
    return nlohmann::json{
        {"id", kSpecialNames[id]}, {"ids", {int64_t{id}}}, {"tokens", {kSpecialNames[id]}}};
  };
  const auto sequence = [](const char* name) {
    return nlohmann::json{{"Sequence", {{"id", name}, {"type_id", 0}}}};
  };
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {special(kBos), sequence("A")}},
                            {"pair", {special(kBos), sequence("A"), sequence("B")}},
                            {"special_tokens", {{kSpecialNames[kBos], definition(kBos)}}}};
  HfTokenizerSettings settings;
  settings.bos_token = kSpecialNames[kBos];
  settings.eos_token = kSpecialNames[kEos];
  settings.pad_token = kSpecialNames[kPad];
  settings.unk_token = kSpecialNames[kUnk];
  return hf_tokenizer_from_json(json, settings, "tokenizer");
}

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path) {
  const std::string bytes = read_file(path, kMaxFileBytes);
  const std::filesystem::path file = path;
  if (file.extension() == ".model") {
    const SentencePieceModel model = parse_sentencepiece(bytes, path);
    return hf_tokenizer_from_json(tokenizer_json(model), sentencepiece_settings(model), path);
  }
  const auto parse = [](const std::string& text, const std::string& source) {
    nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) throw DataError(fmt::format("{}: not valid JSON", source));
    return json;
  };
  const nlohmann::json json = parse(bytes, path);
  if (!json.is_object()) throw DataError(fmt::format("{}: must be an object", path));
  if (json.contains("pgtrain_tokenizer")) return tokenizer_from_json(json, path);
  const std::filesystem::path beside = file.parent_path() / "tokenizer_config.json";
  nlohmann::json config;
  if (std::filesystem::exists(beside))
    config = parse(read_file(beside, kMaxFileBytes), beside.string());
  return hf_tokenizer_from_json(json, hf_tokenizer_settings(config, nullptr, nullptr), path);
}

std::unique_ptr<Tokenizer> build_tokenizer(const TokenizerOptions& options,
                                           const std::vector<std::string_view>& texts) {
  if (options.kind == "file") return open_tokenizer(options.path);
  const int64_t least = least_vocab_size(options.kind);
  if (options.vocab_size != 0 && options.vocab_size < least)
    throw ConfigError(fmt::format(
        "tokenizer.vocab_size: {} is too small; kind {} needs at least {}{}", options.vocab_size,
        options.kind, least, options.kind == "bpe" ? "" : " (or 0 for no limit)"));
  if (options.kind == "byte") return std::make_unique<ByteTokenizer>();
  if (options.kind == "bpe") return learn_bpe(options, texts);
  const bool is_word = options.kind == "word";
  const Counts counts = is_word ? count_words(texts) : count_characters(texts);
  check_learned(counts);
  const int64_t limit = options.vocab_size == 0 ? 0 : options.vocab_size - least + 1;
  std::vector<std::string> tokens = most_frequent(counts, limit);
  if (!is_word) return std::make_unique<CharTokenizer>(std::move(tokens));
  tokens.insert(tokens.begin(), kSpaceToken);
  return std::make_unique<WordTokenizer>(std::move(tokens));
}

std::unique_ptr<Tokenizer> tokenizer_from_json(const nlohmann::json& json,
                                               const std::string& source) {
  if (json.is_object() && json.contains("model") && !json.contains("pgtrain_tokenizer"))
    return hf_tokenizer_from_json(json, source);
  return JsonReader(json, source).read();
}

}  // namespace pgtrain
