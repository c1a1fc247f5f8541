#include "reward/part.h"
#include "reward/word_list.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// -1 for a completion with any word of the list, 0 else; the note names the words.
class BlocklistPart final : public RewardPart {
 public:
  explicit BlocklistPart(WordList words) : words_(std::move(words)) {}

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    std::vector<PartScore> scores;
    scores.reserve(batch.texts.size());
    for (const std::u32string& text : batch.texts) {
      const auto found = words_.find(text);
      scores.push_back({found.empty() ? 0.0 : -1.0, fmt::format("{}", fmt::join(found, ", "))});
    }
    return scores;
  }

 private:
  WordList words_;
};

}  // namespace

std::unique_ptr<RewardPart> make_blocklist_part(const RewardPartOptions& options) {
  return std::make_unique<BlocklistPart>(WordList::from_file(options.words_file));
}

}  // namespace pgtrain
