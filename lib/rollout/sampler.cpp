#include "rollout/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/error.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlock = 512;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kBanned = -kInfinity;

// NaN would make the order of tokens undefined and +infinity the probabilities.
void check_finite(const float* logits, int64_t n) {
  bool good = true;
  for (int64_t i = 0; i < n; ++i) good &= logits[i] < kInfinity;
  if (!good) throw DivergenceError("the policy's logits are not finite");
}

}  // namespace

bool Sampler::truncates() const {
  return options_.top_k > 0 || options_.top_p < 1 || options_.min_p > 0 ||
         options_.no_repeat_ngram > 0;
}

Draw Sampler::draw(float* logits, int64_t n, double u, const std::vector<int64_t>& history,
                   IdSet* kept) const {
  check_finite(logits, n);
  discourage_repetition(logits, n, history);
  if (options_.temperature == 0) {
    const float* best = std::max_element(logits, logits + n);
    if (!std::isfinite(*best)) throw DivergenceError("the policy's logits are not finite");
    return {best - logits, 0.0F};
  }
  return truncates() ? draw_truncated(logits, n, u, kept) : draw_from_all(logits, n, u);
}

Draw Sampler::draw_from_all(float* logits, int64_t n, double u) const {
  const auto& kernels = row_kernels<float>();
  const float scale = static_cast<float>(1.0 / options_.temperature);
  const float shift = scale * kernels.max(logits, n);
  if (!std::isfinite(shift)) throw DivergenceError("the policy's logits are not finite");
  thread_local std::vector<double> sums;
  sums.clear();
  for (int64_t start = 0; start < n; start += kBlock)
    sums.push_back(kernels.exp_in_place(logits + start, std::min(kBlock, n - start), scale, shift));
  const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
  if (!std::isfinite(total)) throw DivergenceError("the policy's logits are not finite");

  const double target = u * total;
  double before = 0;
  size_t block = 0;
  while (block + 1 < sums.size() && before + sums[block] <= target) before += sums[block++];
  const int64_t start = static_cast<int64_t>(block) * kBlock;
  const int64_t end = std::min(start + kBlock, n);
  int64_t id = start;
  while (id + 1 < end && before + static_cast<double>(logits[id]) <= target)
    before += static_cast<double>(logits[id++]);
  return {id, static_cast<float>(std::log(static_cast<double>(logits[id]) / total))};
}

// Sorting the whole vocabulary would cost more than the network: tokens less probable than
// (1 - top_p) / n have together less than 1 - top_p, so top-p never needs one of them; half of that
// leaves room for rounding.
Sampler::Candidates Sampler::candidates(const float* logits, int64_t n) const {
  const auto& kernels = row_kernels<float>();
  const float top = kernels.max(logits, n);
  if (!std::isfinite(top)) throw DivergenceError("the policy's logits are not finite");
  Candidates result;
  double floor = 0;  // of exp((logit - top) / temperature)
  const bool all_k = options_.top_k <= 0 || options_.top_k >= n;
  if (options_.top_p < 1 && all_k) {
    const float scale = static_cast<float>(1.0 / options_.temperature);
    double ignored = 0;
    kernels.softmax_sums(logits, n, scale, scale * top, &result.all, &ignored);
    floor = 0.5 * (1 - options_.top_p) * result.all / static_cast<double>(n);
  }
  const double least = static_cast<double>(top) + options_.temperature * std::log(floor);
  for (int64_t id = 0; id < n; ++id)
    if (logits[id] > kBanned && static_cast<double>(logits[id]) >= least) result.ids.push_back(id);
  return result;
}

Draw Sampler::draw_truncated(const float* logits, int64_t n, double u, IdSet* kept) const {
  auto [ids, all] = candidates(logits, n);
  const auto more_probable = [&](int64_t a, int64_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  if (options_.top_k > 0 && options_.top_k < static_cast<int64_t>(ids.size())) {
    std::nth_element(ids.begin(), ids.begin() + options_.top_k - 1, ids.end(), more_probable);
    ids.resize(static_cast<size_t>(options_.top_k));
  }
  std::sort(ids.begin(), ids.end(), more_probable);
  const double top = static_cast<double>(logits[ids[0]]);
  std::vector<double> weights;
  for (const int64_t id : ids)
    weights.push_back(std::exp((static_cast<double>(logits[id]) - top) / options_.temperature));
  double total = all > 0 ? all : std::accumulate(weights.begin(), weights.end(), 0.0);
  size_t count = weights.size();
  if (options_.top_p < 1) {
    double sum = 0;
    count = 0;
    while (count < weights.size() && (count == 0 || sum < options_.top_p * total))
      sum += weights[count++];
  }
  while (count > 1 && weights[count - 1] < options_.min_p) --count;  // weights[0] is 1
  ids.resize(count);
  weights.resize(count);
  total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (kept != nullptr) *kept = IdSet({ids.begin(), ids.end()}, n);
  const double target = u * total;
  double before = 0;
  size_t i = 0;
  while (i + 1 < weights.size() && weights[i + 1] > 0 && before + weights[i] <= target)
    before += weights[i++];
  return {ids[i], static_cast<float>(std::log(weights[i] / total))};
}

void Sampler::discourage_repetition(float* logits, int64_t n,
                                    const std::vector<int64_t>& history) const {
  if (options_.repetition_penalty != 1.0) {
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    for (const int64_t id : std::set<int64_t>(history.begin(), history.end()))
      if (id >= 0 && id < n)
        logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
  }
  const int64_t size = options_.no_repeat_ngram;
  const auto length = static_cast<int64_t>(history.size());
  if (size <= 0 || length < size) return;
  std::set<int64_t> banned;
  const auto tail = history.end() - (size - 1);
  for (int64_t start = 0; start + size <= length; ++start)
    if (std::equal(tail, history.end(), history.begin() + start))
      banned.insert(history[start + size - 1]);
  if (static_cast<int64_t>(banned.size()) >= n) return;
  for (const int64_t id : banned)
    if (id >= 0 && id < n) logits[id] = kBanned;
}

}  // namespace pgtrain
