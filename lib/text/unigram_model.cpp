// Unigram language model (Kudo 2018): the segmentation of largest summed score, by Viterbi.
#include <algorithm>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "text/byte_trie.h"
#include "text/subword_model.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

constexpr double kUnkPenalty = 10;  // below the smallest score of the vocabulary

// The best segmentation of the text up to a position ends with this token.
struct Step {
  double score = 0;
  size_t begin = SIZE_MAX;  // SIZE_MAX: not reached yet
  int64_t id = -1;
};

class UnigramModel final : public SubwordModel {
 public:
  UnigramModel(TokenVocabulary vocabulary, std::vector<double> scores, int64_t unk_id,
               bool byte_fallback)
      : vocabulary_(std::move(vocabulary)),
        scores_(std::move(scores)),
        trie_(entries(vocabulary_, {})),
        unk_id_(unk_id),
        unk_score_(*std::min_element(scores_.begin(), scores_.end()) - kUnkPenalty),
        byte_fallback_(byte_fallback) {}

  const TokenVocabulary& vocabulary() const override { return vocabulary_; }
  int64_t unk_id() const override { return unk_id_; }

  void exclude(const std::vector<int64_t>& ids) override {
    excluded_.insert(ids.begin(), ids.end());
    trie_ = ByteTrie(entries(vocabulary_, excluded_));
  }

  void append_ids(std::string_view piece, std::vector<int64_t>& ids) const override {
    const std::vector<Step> best = search(piece);
    std::vector<std::pair<size_t, int64_t>> path;  // begin and id of each token, from the last
    for (size_t end = piece.size(); end > 0; end = best[end].begin) {
      // Neighbouring unknown characters are one token.
      if (best[end].id == unk_id_ && !path.empty() && path.back().second == unk_id_)
        path.back().first = best[end].begin;
      else
        path.emplace_back(best[end].begin, best[end].id);
    }
    for (size_t i = path.size(); i-- > 0;) {
      const auto [begin, id] = path[i];
      const size_t end = i > 0 ? path[i - 1].first : piece.size();
      append_token(piece.substr(begin, end - begin), id, ids);
    }
  }

 private:
  static std::vector<std::pair<std::string_view, int64_t>> entries(
      const TokenVocabulary& vocabulary, const std::unordered_set<int64_t>& excluded) {
    std::vector<std::pair<std::string_view, int64_t>> result;
    for (int64_t id = 0; id < vocabulary.size(); ++id)
      if (excluded.count(id) == 0) result.emplace_back(*vocabulary.token(id), id);
    return result;
  }

  std::vector<Step> search(std::string_view piece) const {
    std::vector<Step> best(piece.size() + 1);
    const auto offer = [&](size_t begin, size_t end, double score, int64_t id) {
      const double total = best[begin].score + score;
      if (best[end].begin == SIZE_MAX || total > best[end].score) best[end] = {total, begin, id};
    };
    for (size_t begin = 0; begin < piece.size();) {
      const size_t character = utf8_length(piece[begin]);
      bool has_character = false;
      trie_.for_each_prefix(piece.substr(begin), [&](size_t length, int64_t id) {
        offer(begin, begin + length, scores_[static_cast<size_t>(id)], id);
        has_character = has_character || length == character;
      });
      if (!has_character) offer(begin, begin + character, unk_score_, unk_id_);
      begin += character;
    }
    return best;
  }

  // Text that was segmented as unknown may still be a token when it is joined.
  void append_token(std::string_view text, int64_t id, std::vector<int64_t>& ids) const {
    if (id == unk_id_) {
      const int64_t joined = vocabulary_.find(text);
      if (joined >= 0 && excluded_.count(joined) == 0) return ids.push_back(joined);
      if (byte_fallback_ && append_byte_tokens(vocabulary_, text, ids)) return;
    }
    ids.push_back(id);
  }

  TokenVocabulary vocabulary_;
  std::vector<double> scores_;
  ByteTrie trie_;
  int64_t unk_id_;
  double unk_score_;
  bool byte_fallback_;
  std::unordered_set<int64_t> excluded_;
};

}  // namespace

std::unique_ptr<SubwordModel> read_unigram_model(const JsonView& json) {
  const JsonView list = json.at("vocab");
  if (list.size() == 0 || list.size() > static_cast<size_t>(kMostTokenId))
    list.fail(fmt::format("must have from 1 to {} tokens", kMostTokenId));
  TokenVocabulary vocabulary;
  vocabulary.reserve(static_cast<int64_t>(list.size()));
  std::vector<double> scores;
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonView entry = list.at(i);
    if (entry.size() != 2) entry.fail("must be [token, score]");
    const std::string& token = entry.at(0).string();
    if (!vocabulary.add(token, static_cast<int64_t>(i)))
      entry.fail(fmt::format("\"{}\" is there twice", escape_text(token)));
    scores.push_back(entry.at(1).number());
  }
  const int64_t unk_id = json.at("unk_id").integer(0, vocabulary.size() - 1);
  return std::make_unique<UnigramModel>(std::move(vocabulary), std::move(scores), unk_id,
                                        json.boolean_or("byte_fallback", false));
}

}  // namespace pgtrain
