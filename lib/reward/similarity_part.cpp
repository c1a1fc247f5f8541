#include <spdlog/spdlog.h>

#include <algorithm>

#include "reward/part.h"
#include "similarity/metric.h"
#include "similarity/rouge.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// A metric of similarity/metric.h against all targets of the record, as goodness in [0, 1].
class SimilarityPart final : public RewardPart {
 public:
  explicit SimilarityPart(const RewardPartOptions& options)
      : metric_(make_metric(similarity_metric_of(options.metric), options.text)),
        is_rouge_(options.metric.rfind("rouge", 0) == 0) {}

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    return score_by_record(
        batch,
        [this](const Record& record) {
          std::vector<std::u32string> targets;
          targets.reserve(record.targets.size());
          for (const std::string& target : record.targets)
            targets.push_back(decode_utf8_lossy(target));
          return metric_->prepare({targets.begin(), targets.end()});
        },
        [this](const std::unique_ptr<PreparedReferences>& references, std::u32string_view text) {
          return PartScore{metric_->goodness(metric_->value(references->statistics(text))), ""};
        });
  }

  void check(const Dataset& data) const override {
    if (!is_rouge_) return;
    const auto blind =
        std::count_if(data.records.begin(), data.records.end(), [](const Record& record) {
          return std::all_of(record.targets.begin(), record.targets.end(),
                             [](const std::string& target) {
                               return Rouge::is_blind_to(decode_utf8_lossy(target));
                             });
        });
    if (blind > 0)
      spdlog::warn(
          "{}: ROUGE sees only the letters a-z and digits; {} of {} targets have none and always "
          "score 0: use chrf or edit_similarity for them",
          data.path, blind, data.size());
  }

 private:
  std::unique_ptr<Metric> metric_;
  bool is_rouge_;
};

}  // namespace

std::unique_ptr<RewardPart> make_similarity_part(const RewardPartOptions& options) {
  return std::make_unique<SimilarityPart>(options);
}

}  // namespace pgtrain
