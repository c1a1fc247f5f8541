#include "rollout/sampler.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"
#include "support/support.h"

using namespace pgtrain;

namespace {

Draw draw(const SamplerOptions& options, std::vector<float> logits, double u,
          const std::vector<int64_t>& history = {}) {
  return Sampler(options).draw(logits.data(), static_cast<int64_t>(logits.size()), u, history);
}

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> result;
  for (const double p : probabilities) result.push_back(static_cast<float>(std::log(p)));
  return result;
}

}  // namespace

TEST_CASE("sampler: inverse of the cumulated distribution, by hand", "[rollout]") {
  const auto logits = logs({0.5, 0.25, 0.25});
  const SamplerOptions all;
  CHECK(draw(all, logits, 0.0).id == 0);
  CHECK(draw(all, logits, 0.49).id == 0);
  CHECK(draw(all, logits, 0.51).id == 1);
  CHECK(draw(all, logits, 0.76).id == 2);
  CHECK(draw(all, logits, 1 - 1e-16).id == 2);
  CHECK(test::close(static_cast<double>(draw(all, logits, 0.51).log_prob), std::log(0.25),
                    test::kTolerance32));
}

TEST_CASE("sampler: temperature, and its log-probability is of the tempered distribution",
          "[rollout]") {
  SamplerOptions options;
  options.temperature = 0.5;  // probabilities squared: 0.36 and 0.16 of (0.6, 0.4): 9/13, 4/13
  CHECK(draw(options, logs({0.6, 0.4}), 0.69).id == 0);
  CHECK(draw(options, logs({0.6, 0.4}), 0.70).id == 1);
  CHECK(test::close(static_cast<double>(draw(options, logs({0.6, 0.4}), 0.9).log_prob),
                    std::log(4.0 / 13), test::kTolerance32));
  options.temperature = 0;
  CHECK(draw(options, logs({0.2, 0.4, 0.4}), 0.0).id == 1);  // ties to the smaller id
}

TEST_CASE("sampler: top-k and top-p keep and renormalise, by hand", "[rollout]") {
  const auto logits = logs({0.1, 0.4, 0.3, 0.2});
  SamplerOptions top_k;
  top_k.top_k = 2;  // ids 1 (4/7) and 2 (3/7)
  CHECK(draw(top_k, logits, 0.57).id == 1);
  CHECK(draw(top_k, logits, 0.58).id == 2);
  CHECK(test::close(static_cast<double>(draw(top_k, logits, 0.9).log_prob), std::log(3.0 / 7),
                    test::kTolerance32));
  SamplerOptions top_p;
  top_p.top_p = 0.65;  // 0.4 + 0.3 reaches it
  CHECK(draw(top_p, logits, 0.999).id == 2);
  top_p.top_p = 0.75;  // needs 0.2 as well
  CHECK(draw(top_p, logits, 0.999).id == 3);
  top_p.top_p = 1e-9;  // always at least one
  CHECK(draw(top_p, logits, 0.999).id == 1);
  SamplerOptions one;
  one.top_k = 1;
  CHECK(draw(one, logs({0.25, 0.25, 0.25, 0.25}), 0.999).id == 0);
}

TEST_CASE("sampler: min-p keeps what is probable enough beside the best, by hand", "[rollout]") {
  const auto logits = logs({0.1, 0.4, 0.3, 0.2});
  SamplerOptions options;
  options.min_p = 0.6;  // 0.24: ids 1 and 2
  CHECK(draw(options, logits, 0.999).id == 2);
  CHECK(test::close(static_cast<double>(draw(options, logits, 0.9).log_prob), std::log(3.0 / 7),
                    test::kTolerance32));
  options.min_p = 1;
  CHECK(draw(options, logits, 0.999).id == 1);
}

TEST_CASE("sampler: the kept ids are those that top-k, top-p and min-p leave", "[rollout]") {
  const auto kept_ids = [](const SamplerOptions& options) {
    auto logits = logs({0.1, 0.4, 0.3, 0.2});
    IdSet kept;
    Sampler(options).draw(logits.data(), 4, 0.5, {}, &kept);
    std::vector<int32_t> ids;
    kept.list(ids);
    return ids;
  };
  SamplerOptions options;
  CHECK(kept_ids(options).empty());  // stands for all
  options.top_k = 3;
  CHECK(kept_ids(options) == std::vector<int32_t>{1, 2, 3});
  options.top_p = 0.7;  // of the three: 4/9 + 3/9
  CHECK(kept_ids(options) == std::vector<int32_t>{1, 2});
  options.min_p = 0.8;
  CHECK(kept_ids(options) == std::vector<int32_t>{1});
}

TEST_CASE("sampler: top-p over a large vocabulary keeps what sorting everything keeps",
          "[rollout]") {
  const int64_t n = 5000;
  const Rng rng(5, Purpose::kUser);
  for (const double sharpness : {0.1, 1.0, 4.0, 12.0}) {
    std::vector<float> logits;
    for (int64_t i = 0; i < n; ++i)
      logits.push_back(static_cast<float>(sharpness * rng.normal(static_cast<uint64_t>(i))));
    std::vector<int32_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    double total = 0;
    for (const float x : logits) total += std::exp(static_cast<double>(x));
    for (const double top_p : {0.1, 0.5, 0.9, 0.99}) {
      double sum = 0;
      size_t count = 0;
      while (sum < top_p * total)
        sum += std::exp(static_cast<double>(logits[static_cast<size_t>(order[count++])]));
      SamplerOptions options;
      options.top_p = top_p;
      IdSet kept;
      auto copy = logits;
      const Draw d = Sampler(options).draw(copy.data(), n, 0.3, {}, &kept);
      CHECK(kept.size() == static_cast<int64_t>(count));
      CHECK(kept.contains(order[count - 1]));
      CHECK(test::close(static_cast<double>(d.log_prob),
                        static_cast<double>(logits[static_cast<size_t>(d.id)]) - std::log(sum),
                        3 * test::kTolerance32));
    }
  }
}

TEST_CASE("sampler: repetition rules, by hand", "[rollout]") {
  SamplerOptions penalty;
  penalty.temperature = 0;
  penalty.repetition_penalty = 2;
  CHECK(draw(penalty, {3.0F, 2.0F, -1.0F}, 0, {0}).id == 1);  // 3 / 2 < 2
  CHECK(draw(penalty, {-1.0F, -1.5F, -9.0F}, 0, {0, 0}).id ==
        1);  // -1 * 2 < -1.5, once although seen twice
  SamplerOptions ngram;
  ngram.temperature = 0;
  ngram.no_repeat_ngram = 2;
  // history 5 6 5: "5 6" occurred, so 6 may not follow 5 again.
  CHECK(draw(ngram, {0, 0, 0, 0, 0, 0, 9.0F, 1.0F}, 0, {5, 6, 5}).id == 7);
  CHECK(draw(ngram, {0, 0, 0, 0, 0, 0, 9.0F, 1.0F}, 0, {5, 6}).id == 6);
  ngram.temperature = 1;
  CHECK(draw(ngram, {1.0F, 1.0F}, 0.0, {0, 0}).id == 1);
  CHECK(draw(ngram, {1.0F, 1.0F}, 0.9, {0, 0}).log_prob == 0);
  ngram.no_repeat_ngram =
      1;  // everything occurred: the rule is dropped rather than leaving nothing
  CHECK(draw(ngram, {2.0F, 1.0F}, 0.0, {0, 1}).id == 0);
}

TEST_CASE("sampler: frequencies over a large vocabulary follow the softmax (chi-square)",
          "[rollout]") {
  const int64_t n = 3000;
  const Rng rng(12, Purpose::kUser);
  std::vector<float> logits;
  std::vector<double> p;
  for (int64_t i = 0; i < n; ++i)
    logits.push_back(static_cast<float>(rng.normal(static_cast<uint64_t>(i))));
  for (const float x : logits) p.push_back(std::exp(static_cast<double>(x)));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  // 30 bins of 100 ids each.
  std::vector<double> expected(30), seen(30);
  for (int64_t i = 0; i < n; ++i)
    expected[static_cast<size_t>(i / 100)] += p[static_cast<size_t>(i)] / total;
  const int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const Draw d = draw({}, logits, rng.uniform(static_cast<uint64_t>(i), 1));
    seen[static_cast<size_t>(d.id / 100)] += 1;
    if (i < 50)
      CHECK(test::close(static_cast<double>(d.log_prob),
                        std::log(p[static_cast<size_t>(d.id)] / total), 3 * test::kTolerance32));
  }
  double chi_square = 0;
  for (size_t b = 0; b < 30; ++b)
    chi_square += std::pow(seen[b] - draws * expected[b], 2) / (draws * expected[b]);
  CHECK(chi_square < 58.3);  // 29 degrees of freedom, 0.1 %
}

TEST_CASE("sampler: logits that are not finite stop with an error", "[rollout]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  SamplerOptions greedy;
  greedy.temperature = 0;
  SamplerOptions truncated;
  truncated.top_k = 1;
  for (const SamplerOptions& options : {SamplerOptions(), greedy, truncated}) {
    CHECK_THROWS_AS(draw(options, {0.0F, nan, 1.0F}, 0.5), DivergenceError);
    CHECK_THROWS_AS(draw(options, {nan, nan}, 0.5), DivergenceError);
    CHECK_THROWS_AS(draw(options, {inf, 0.0F}, 0.5), DivergenceError);
    CHECK_THROWS_AS(draw(options, {-inf, -inf}, 0.5), DivergenceError);
  }
}
