#include "text/hf_tokenizer.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/stream_decoder.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr int kMostDepth = 32;                      // of the JSON
constexpr size_t kMostTextBytes = size_t{1} << 30;  // ICU counts in int32
constexpr const char* kSettingsKey = "pgtrain_settings";

// The end of the chain of decoder stages.
class TextCollector final : public TokenSink {
 public:
  void text(std::string_view part) override { text_ += part; }
  void end_token() override {}
  void finish() override {}
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

class HfStreamDecoder final : public StreamDecoder {
 public:
  HfStreamDecoder(const HuggingFaceTokenizer& tokenizer, const TokenDecoder& decoder)
      : tokenizer_(tokenizer), stage_(decoder.start(collector_)) {}
  std::string push(int64_t id) override {
    feed(id);
    return collector_.take();
  }
  std::string finish() override {
    stage_->finish();
    return collector_.take();
  }
  void feed(int64_t id) {
    const std::string* token = tokenizer_.token(id);
    if (token == nullptr || tokenizer_.is_special(id)) return;
    stage_->text(*token);
    stage_->end_token();
  }

 private:
  const HuggingFaceTokenizer& tokenizer_;
  TextCollector collector_;
  std::unique_ptr<TokenSink> stage_;
};

// A piece that came before has the same ids again.
void append_pieces(const SubwordModel& model, const PieceList& pieces, std::vector<int64_t>& ids) {
  struct Range {
    size_t begin;
    size_t end;
  };
  std::unordered_map<std::string_view, Range> known;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto [entry, is_new] = known.try_emplace(pieces[i], Range{ids.size(), ids.size()});
    Range& range = entry->second;
    if (is_new) {
      model.append_ids(pieces[i], ids);
      range.end = ids.size();
    } else {
      for (size_t at = range.begin; at < range.end; ++at) ids.push_back(ids[at]);
    }
  }
}

nlohmann::json settings_to_json(const HfTokenizerSettings& settings) {
  nlohmann::json json = {{"bos_token", settings.bos_token}, {"eos_token", settings.eos_token},
                         {"pad_token", settings.pad_token}, {"unk_token", settings.unk_token},
                         {"end_ids", settings.end_ids},     {"add_bos", nullptr}};
  if (settings.add_bos) json["add_bos"] = *settings.add_bos;
  return json;
}

HfTokenizerSettings settings_from_json(const JsonView& json) {
  HfTokenizerSettings settings;
  settings.bos_token = json.at("bos_token").string();
  settings.eos_token = json.at("eos_token").string();
  settings.pad_token = json.at("pad_token").string();
  settings.unk_token = json.at("unk_token").string();
  const JsonView end_ids = json.at("end_ids");
  for (size_t i = 0; i < end_ids.size(); ++i)
    settings.end_ids.push_back(end_ids.at(i).integer(0, kMostTokenId));
  if (const auto add_bos = json.find("add_bos")) settings.add_bos = add_bos->boolean();
  return settings;
}

}  // namespace

HuggingFaceTokenizer::HuggingFaceTokenizer(const nlohmann::json& tokenizer_json,
                                           const HfTokenizerSettings& settings,
                                           const std::string& source)
    : settings_(settings) {
  check_json_depth(tokenizer_json, kMostDepth, source);
  const JsonView json(tokenizer_json, source);
  model_ = read_subword_model(json.at("model"));
  if (const auto part = json.find("normalizer")) normalizer_ = read_normalizer(*part);
  if (const auto part = json.find("pre_tokenizer")) pre_tokenizer_ = read_pre_tokenizer(*part);
  const auto decoder = json.find("decoder");
  decoder_ = decoder ? read_token_decoder(*decoder) : join_with_spaces();
  if (const auto part = json.find("added_tokens"))
    added_ = read_added_tokens(*part, model_->vocabulary(), normalizer_.get());
  std::vector<int64_t> special;
  for (const AddedToken& token : added_)
    if (token.special) special.push_back(token.id);
  model_->exclude(special);
  raw_finder_ = std::make_unique<AddedTokenFinder>(added_, false);
  normalized_finder_ = std::make_unique<AddedTokenFinder>(added_, true);
  std::sort(added_.begin(), added_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  vocab_size_ = std::max(model_->vocabulary().size(), added_.empty() ? 0 : added_.back().id + 1);
  if (vocab_size_ == 0) json.at("model").fail("has no tokens");
  if (const auto part = json.find("post_processor"))
    frame_ = read_post_processor(*part, vocab_size_);
  set_special_ids(source);
  json_ = tokenizer_json.dump();
}

int64_t HuggingFaceTokenizer::id_of(const std::string& token, const char* key,
                                    const std::string& source) const {
  if (token.empty()) return -1;
  for (const AddedToken& added : added_)
    if (added.content == token) return added.id;
  const int64_t id = model_->vocabulary().find(token);
  if (id < 0)
    throw DataError(
        fmt::format("{}: {} \"{}\" is not in the vocabulary", source, key, escape_text(token)));
  return id;
}

void HuggingFaceTokenizer::set_special_ids(const std::string& source) {
  bos_id_ = id_of(settings_.bos_token, "bos_token", source);
  pad_id_ = id_of(settings_.pad_token, "pad_token", source);
  unk_id_ = settings_.unk_token.empty() ? model_->unk_id()
                                        : id_of(settings_.unk_token, "unk_token", source);
  const int64_t eos = id_of(settings_.eos_token, "eos_token", source);
  if (eos >= 0) end_ids_.push_back(eos);
  for (const int64_t id : settings_.end_ids) {
    if (id < 0 || id >= vocab_size_)
      throw DataError(fmt::format("{}: the end-of-text id {} is not below the vocabulary's size {}",
                                  source, id, vocab_size_));
    if (std::find(end_ids_.begin(), end_ids_.end(), id) == end_ids_.end()) end_ids_.push_back(id);
  }
  if (end_ids_.empty())
    throw DataError(source +
                    ": no token ends a text: eos_token (tokenizer_config.json) or "
                    "eos_token_id (config.json) must name one");
  if (!settings_.add_bos) return;
  auto& before = frame_.before;
  if (*settings_.add_bos && bos_id_ < 0)
    throw DataError(source + ": add_bos_token is true, but there is no bos_token");
  if (*settings_.add_bos && (before.empty() || before.front() != bos_id_))
    before.insert(before.begin(), bos_id_);
  if (!*settings_.add_bos)
    before.erase(std::remove(before.begin(), before.end(), bos_id_), before.end());
}

std::vector<int64_t> HuggingFaceTokenizer::encode(std::string_view text) const {
  return encode_text(text, true);
}

std::vector<int64_t> HuggingFaceTokenizer::encode_with_special(std::string_view text) const {
  return encode_text(text, false);
}

std::vector<int64_t> HuggingFaceTokenizer::encode_prompt(std::string_view prompt) const {
  std::vector<int64_t> ids = frame_.before;
  const std::vector<int64_t> text = encode(prompt);
  ids.insert(ids.end(), text.begin(), text.end());
  if (ids.empty()) ids.push_back(bos_id_ >= 0 ? bos_id_ : eos_id());
  return ids;
}

std::vector<int64_t> HuggingFaceTokenizer::encode_text(std::string_view text,
                                                       bool skip_special) const {
  const size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos)
    throw DataError(fmt::format("invalid UTF-8 at byte {}", invalid));
  if (text.size() > kMostTextBytes)
    throw DataError(fmt::format("a text of {} bytes is too long", text.size()));
  std::vector<int64_t> ids;
  for (const TokenPart& part : raw_finder_->split(text, skip_special)) {
    if (part.id >= 0)
      ids.push_back(part.id);
    else
      encode_section(text.substr(part.begin, part.end - part.begin), part.begin == 0, skip_special,
                     ids);
  }
  return ids;
}

// Text without tokens that are found before normalization.
void HuggingFaceTokenizer::encode_section(std::string_view text, bool at_origin, bool skip_special,
                                          std::vector<int64_t>& ids) const {
  NormalizedText normalized{std::string(text), at_origin};
  if (normalizer_ != nullptr) normalizer_->apply(normalized);
  for (const TokenPart& part : normalized_finder_->split(normalized.text, skip_special)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    PieceList pieces(normalized.at_origin && part.begin == 0);
    pieces.add(std::string_view(normalized.text).substr(part.begin, part.end - part.begin));
    if (pre_tokenizer_ != nullptr) pieces = pre_tokenizer_->apply(pieces);
    append_pieces(*model_, pieces, ids);
  }
}

std::string HuggingFaceTokenizer::decode(const std::vector<int64_t>& ids) const {
  HfStreamDecoder stream(*this, *decoder_);
  for (const int64_t id : ids) stream.feed(id);
  return stream.finish();
}

std::unique_ptr<StreamDecoder> HuggingFaceTokenizer::stream_decoder() const {
  return std::make_unique<HfStreamDecoder>(*this, *decoder_);
}

namespace {

const AddedToken* find_added(const std::vector<AddedToken>& tokens, int64_t id) {
  const auto found = std::lower_bound(tokens.begin(), tokens.end(), id,
                                      [](const AddedToken& a, int64_t b) { return a.id < b; });
  return found == tokens.end() || found->id != id ? nullptr : &*found;
}

}  // namespace

const std::string* HuggingFaceTokenizer::token(int64_t id) const {
  const AddedToken* added = find_added(added_, id);
  return added != nullptr ? &added->written : model_->vocabulary().token(id);
}

bool HuggingFaceTokenizer::is_special(int64_t id) const {
  const AddedToken* added = find_added(added_, id);
  return added != nullptr && added->special;
}

std::string HuggingFaceTokenizer::token_text(int64_t id) const {
  if (const AddedToken* added = find_added(added_, id)) return escape_text(added->content);
  const std::string* text = token(id);
  if (text == nullptr) return fmt::format("<id {}>", id);
  std::string bytes;
  if (decoder_->is_byte_level() && append_character_bytes(bytes, *text)) return escape_text(bytes);
  return escape_text(*text);
}

nlohmann::json HuggingFaceTokenizer::original_json() const { return nlohmann::json::parse(json_); }

nlohmann::json HuggingFaceTokenizer::to_json() const {
  nlohmann::json json = original_json();
  json[kSettingsKey] = settings_to_json(settings_);
  return json;
}

std::unique_ptr<HuggingFaceTokenizer> hf_tokenizer_from_json(const nlohmann::json& tokenizer_json,
                                                             const HfTokenizerSettings& settings,
                                                             const std::string& source) {
  return std::make_unique<HuggingFaceTokenizer>(tokenizer_json, settings, source);
}

std::unique_ptr<HuggingFaceTokenizer> hf_tokenizer_from_json(const nlohmann::json& json,
                                                             const std::string& source) {
  check_json_depth(json, kMostDepth, source);
  const auto settings = JsonView(json, source).find(kSettingsKey);
  if (!settings) return hf_tokenizer_from_json(json, HfTokenizerSettings{}, source);
  nlohmann::json original = json;
  original.erase(kSettingsKey);
  return hf_tokenizer_from_json(original, settings_from_json(*settings), source);
}

}  // namespace pgtrain
