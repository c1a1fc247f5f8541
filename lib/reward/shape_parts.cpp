// Parts that look at the completion alone: its variety, its end, its length.
#include <algorithm>

#include "reward/part.h"
#include "similarity/word_overlap.h"

namespace pgtrain {
namespace {

// value(input, text) for each input.
template <class Value>
class ShapePart final : public RewardPart {
 public:
  explicit ShapePart(Value value) : value_(std::move(value)) {}
  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    std::vector<PartScore> scores;
    scores.reserve(batch.inputs.size());
    for (size_t i = 0; i < batch.inputs.size(); ++i)
      scores.push_back({value_(batch.inputs[i], batch.texts[i]), ""});
    return scores;
  }

 private:
  Value value_;
};

template <class Value>
std::unique_ptr<RewardPart> shape_part(Value value) {
  return std::make_unique<ShapePart<Value>>(std::move(value));
}

size_t order_of(const RewardPartOptions& options, size_t standard) {
  return options.ngram_order > 0 ? static_cast<size_t>(options.ngram_order) : standard;
}

}  // namespace

std::unique_ptr<RewardPart> make_distinct_part(const RewardPartOptions& options) {
  return shape_part([order = order_of(options, 2)](const RewardInput&, std::u32string_view text) {
    return distinct_ngrams(text, order);
  });
}

std::unique_ptr<RewardPart> make_repetition_part(const RewardPartOptions& options) {
  return shape_part([order = order_of(options, 3)](const RewardInput&, std::u32string_view text) {
    return distinct_ngrams(text, order) - 1;
  });
}

std::unique_ptr<RewardPart> make_missing_eos_part(const RewardPartOptions& /*options*/) {
  return shape_part(
      [](const RewardInput& input, std::u32string_view) { return input.finished ? 0.0 : -1.0; });
}

// DAPO (Yu et al. 2025), equation 13.
std::unique_ptr<RewardPart> make_overlong_part(const RewardPartOptions& options,
                                               const RewardContext& context) {
  const int64_t limit = options.max_length > 0 ? options.max_length : context.max_new_tokens;
  if (limit <= 0)
    throw ConfigError("max_length: is needed where no rollout.max_new_tokens is known");
  const int64_t buffer =
      options.buffer_length > 0 ? options.buffer_length : std::max<int64_t>(1, limit / 5);
  if (buffer > limit)
    throw ConfigError(fmt::format("buffer_length: {} is more than max_length {}", buffer, limit));
  return shape_part([limit, buffer](const RewardInput& input, std::u32string_view) {
    const int64_t over = input.length - (limit - buffer);
    if (over <= 0) return 0.0;
    return -std::min(1.0, static_cast<double>(over) / static_cast<double>(buffer));
  });
}

}  // namespace pgtrain
