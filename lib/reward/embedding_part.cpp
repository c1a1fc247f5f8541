#include <algorithm>
#include <cmath>

#include "reward/part.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Vector = std::vector<float>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// 0 when either vector is 0, as that of an empty text is.
double cosine(const Vector& a, const Vector& b) {
  PG_CHECK(a.size() == b.size(), "{} and {} dimensions", a.size(), b.size());
  const double norms = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
  return norms > 0 ? std::clamp(dot(a, b) / norms, -1.0, 1.0) : 0;
}

// Cosine of the embeddings of completion and target, in [-1, 1]; the best target counts.
class EmbeddingPart final : public RewardPart {
 public:
  explicit EmbeddingPart(std::function<Vector(std::string_view)> embed)
      : embed_(std::move(embed)) {}

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    return score_by_record(
        batch,
        [this](const Record& record) {
          std::vector<Vector> targets;
          for (const std::string& target : record.targets) targets.push_back(embed_(target));
          return targets;
        },
        [this](const std::vector<Vector>& targets, std::u32string_view text) {
          const Vector completion = embed_(encode_utf8(text));
          double best = -1;
          for (const Vector& target : targets) best = std::max(best, cosine(completion, target));
          return PartScore{best, ""};
        });
  }

 private:
  std::function<Vector(std::string_view)> embed_;
};

}  // namespace

std::unique_ptr<RewardPart> make_embedding_part(const RewardContext& context) {
  if (!context.embed)
    throw ConfigError("metric: 'embedding_cosine' needs a policy whose embeddings it can use");
  return std::make_unique<EmbeddingPart>(context.embed);
}

}  // namespace pgtrain
