#include "text/subword_model.h"

#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

class WordLevelModel final : public SubwordModel {
 public:
  WordLevelModel(TokenVocabulary vocabulary, int64_t unk_id)
      : vocabulary_(std::move(vocabulary)), unk_id_(unk_id) {}
  const TokenVocabulary& vocabulary() const override { return vocabulary_; }
  int64_t unk_id() const override { return unk_id_; }
  void append_ids(std::string_view piece, std::vector<int64_t>& ids) const override {
    const int64_t id = vocabulary_.find(piece);
    ids.push_back(id >= 0 && excluded_.count(id) == 0 ? id : unk_id_);
  }
  void exclude(const std::vector<int64_t>& ids) override {
    excluded_.insert(ids.begin(), ids.end());
  }

 private:
  TokenVocabulary vocabulary_;
  int64_t unk_id_;
  std::unordered_set<int64_t> excluded_;
};

std::string type_of(const JsonView& json) {
  const auto type = json.find("type");
  if (type) return type->string();
  if (json.find("merges")) return "BPE";
  return json.at("vocab").is_array() ? "Unigram" : "WordLevel";
}

}  // namespace

std::unique_ptr<SubwordModel> read_word_level_model(const JsonView& json) {
  TokenVocabulary vocabulary = read_vocabulary(json.at("vocab"));
  const JsonView unk = json.at("unk_token");
  const int64_t unk_id = vocabulary.find(unk.string());
  if (unk_id < 0) unk.fail("is not in the vocabulary");
  return std::make_unique<WordLevelModel>(std::move(vocabulary), unk_id);
}

std::unique_ptr<SubwordModel> read_subword_model(const JsonView& json) {
  const std::string type = type_of(json);
  if (type == "BPE") return read_bpe_model(json);
  if (type == "Unigram") return read_unigram_model(json);
  if (type == "WordLevel") return read_word_level_model(json);
  json.at("type").fail(fmt::format(
      "\"{}\" is not supported; supported are BPE, Unigram and WordLevel", escape_text(type)));
}

bool append_byte_tokens(const TokenVocabulary& vocabulary, std::string_view text,
                        std::vector<int64_t>& ids) {
  const size_t before = ids.size();
  for (char byte : text) {
    const int64_t id = vocabulary.find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte)));
    if (id < 0) {
      ids.resize(before);
      return false;
    }
    ids.push_back(id);
  }
  return true;
}

}  // namespace pgtrain
