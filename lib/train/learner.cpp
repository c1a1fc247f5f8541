#include "train/learner.h"

#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/row_kernels.h"
#include "train/step_flops.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlock = 1 << 16;

// Needs no memory, unlike at::isfinite.
bool all_finite(const at::Tensor& x, WorkerPool& pool) {
  const float* values = x.data_ptr<float>();
  std::atomic<bool> result{true};
  pool.run((x.numel() + kBlock - 1) / kBlock, [&](int64_t block, int) {
    const int64_t end = std::min(x.numel(), (block + 1) * kBlock);
    bool finite = true;
    for (int64_t i = block * kBlock; i < end; ++i)
      finite &= std::abs(values[i]) <= std::numeric_limits<float>::max();
    if (!finite) result = false;
  });
  return result;
}

// sum g^2, in float64.
double squared_norm(const at::Tensor& gradient) {
  const float* g = gradient.data_ptr<float>();
  double lanes[8] = {};
  for (int64_t i = 0; i < gradient.numel(); ++i)
    lanes[i % 8] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  return std::accumulate(std::begin(lanes), std::end(lanes), 0.0);
}

// A shard's part of the gradient.
struct Part {
  double sequences;
  double square;  // of its norm
};

// From parts of the gradient of a loss that is a mean over `batch` sequences, and the squared norm
// of the whole gradient.
std::optional<GradientNoise> noise_of(const std::vector<Part>& parts, double whole, double batch) {
  if (parts.empty() || parts[0].sequences == batch) return std::nullopt;
  double mean_square = 0;
  double inverse_sizes = 0;
  for (const Part& part : parts) {
    mean_square += part.square * (batch / part.sequences) * (batch / part.sequences);
    inverse_sizes += 1 / part.sequences;
  }
  const auto count = static_cast<double>(parts.size());
  return gradient_noise(mean_square / count, whole, count / inverse_sizes, batch);
}

// target += source; source = 0.
void move_gradient(const at::Tensor& source, const at::Tensor& target) {
  float* from = source.data_ptr<float>();
  float* to = target.data_ptr<float>();
  for (int64_t start = 0; start < source.numel(); start += kBlock) {
    const int64_t count = std::min(kBlock, source.numel() - start);
    row_kernels<float>().add(to + start, from + start, count);
    std::fill_n(from + start, count, 0.0F);
  }
}

// The rows of an optional [batch, time] tensor, cut to the first `time` columns.
class RowPicker {
 public:
  RowPicker(const std::vector<int64_t>& rows, int64_t time)
      : index_(at::tensor(rows, at::kLong)), time_(time) {}
  at::Tensor operator()(const at::Tensor& x) const {
    return x.defined() ? x.index_select(0, index_).narrow(1, 0, time_) : x;
  }

 private:
  at::Tensor index_;
  int64_t time_;
};

}  // namespace

UpdateBatch UpdateBatch::rows(const std::vector<int64_t>& rows) const {
  UpdateBatch result;
  static_cast<SequenceBatch&>(result) = SequenceBatch::rows(rows);
  int64_t time = 1;
  for (const Sequence* sequence : result.sequences)
    time = std::max(time, sequence->completion_length());
  const RowPicker pick(rows, time);
  result.mask = pick(mask);
  result.advantages = pick(advantages);
  result.old_log_probs = pick(old_log_probs);
  result.ref_log_probs = pick(ref_log_probs);
  result.returns = pick(returns);
  result.old_values = pick(old_values);
  return result;
}

struct Learner::Shard {
  ObjectiveTerms terms;
  at::Tensor log_probs;  // [rows, time]
};

Learner::Learner(Policy& policy, WorkerPool& pool, const OptimizerOptions& options,
                 int64_t micro_batch, uint64_t seed)
    : policy_(policy),
      pool_(pool),
      options_(options),
      micro_batch_(micro_batch),
      dropout_rng_(seed, Purpose::kDropout),
      noise_rng_(seed, Purpose::kNoise) {
  PG_CHECK(micro_batch >= 1, "micro_batch is {}", micro_batch);
  if (policy.parallelism() == Parallelism::kSequences)
    for (int i = 0; i < pool.size(); ++i) replicas_.push_back(policy.replicate());
  reset_optimizer();
}

void Learner::reset_optimizer() { optimizer_ = make_optimizer(options_, policy_.parameters()); }

bool Learner::is_finite() const {
  if (!all_finite(policy_.parameters().values(), pool_)) return false;
  const auto state = optimizer_->state();
  return std::all_of(state.begin(), state.end(),
                     [&](const NamedTensor& moment) { return all_finite(moment.tensor, pool_); });
}

// A resumed run must drop the same elements: the optimiser's step is part of every checkpoint.
DropoutKey Learner::dropout_of(const std::vector<int64_t>& rows) const {
  DropoutKey key;
  key.rng = &dropout_rng_;
  key.step = static_cast<uint64_t>(optimizer_->steps());
  for (const int64_t row : rows)
    key.sequences.push_back(static_cast<uint32_t>(sequences_before_ + row));
  return key;
}

Learner::Shard Learner::run_shard(const UpdateBatch& batch, const Objective& objective,
                                  const std::vector<int64_t>& rows, const Network& network,
                                  const at::Tensor& policy_weights,
                                  const at::Tensor& entropy_weights) const {
  const UpdateBatch part = batch.rows(rows);
  const at::Tensor present = completion_mask(part.sequences);
  const at::Tensor hidden = network.model->hidden(part.sequences, dropout_of(rows));
  const LogProbs result = token_log_probs(*network.model, hidden, part, objective.temperature);
  ObjectiveInputs inputs;
  inputs.log_prob = unpack(result.log_prob, present);
  inputs.entropy = unpack(result.entropy, present);
  if (part.returns.defined())
    inputs.values = unpack(network.values(hidden, part.sequences), present);
  inputs.mask = part.mask;
  inputs.advantages = part.advantages;
  inputs.old_log_probs =
      part.old_log_probs.defined() ? part.old_log_probs : inputs.log_prob.detach();
  inputs.ref_log_probs = part.ref_log_probs;
  inputs.returns = part.returns;
  inputs.old_values = part.old_values;
  inputs.batch_size = static_cast<double>(batch.size());
  const RowPicker pick(rows, present.size(1));
  inputs.policy_weights = pick(policy_weights);
  inputs.entropy_weights = pick(entropy_weights);
  Shard shard;
  shard.terms = evaluate(objective, inputs);
  shard.terms.loss.backward();
  shard.terms.loss.reset();
  shard.log_probs = inputs.log_prob.detach();
  return shard;
}

void Learner::for_each_shard(int64_t shards, int64_t first,
                             const std::function<void(int64_t, const Network&)>& run,
                             const std::function<void(int64_t, const at::Tensor&)>& measure) {
  const at::Tensor& sum = policy_.parameters().gradient();
  if (replicas_.empty()) {
    const TeamScope team(pool_);
    for (int64_t k = 0; k < shards; ++k) {
      const int64_t i = (first + k) % shards;
      run(i, policy_.network());
      if (k == 0) measure(i, sum);
    }
    return;
  }
  pool_.run_ordered(
      shards, [&](int64_t i, int worker) { run(i, replicas_[worker].network); },
      [&](int64_t i, int worker) {
        measure(i, replicas_[worker].gradient);
        move_gradient(replicas_[worker].gradient, sum);
      });
}

void Learner::clear() {
  policy_.parameters().gradient().zero_();
  sequences_before_ = 0;
}

UpdateResult Learner::accumulate(const UpdateBatch& batch, const Objective& objective,
                                 bool measure_noise) {
  Stopwatch watch;
  const at::Tensor policy_weights =
      token_weights(batch.mask, objective.aggregation, objective.normaliser);
  // Of every completion, also of those that the loss leaves out.
  const at::Tensor entropy_weights =
      token_weights(completion_mask(batch.sequences), Aggregation::kTokenMean);
  const auto shards = length_shards(batch.sequences, micro_batch_);
  std::vector<Shard> results(shards.size());
  std::vector<Part> parts;
  const auto count = static_cast<int64_t>(shards.size());
  // Shards are sorted, so that a fixed one would not stand for the others.
  const double draw = noise_rng_.uniform(static_cast<uint64_t>(optimizer_->steps()));
  for_each_shard(
      count, measure_noise ? static_cast<int64_t>(draw * static_cast<double>(count)) : 0,
      [&](int64_t i, const Network& network) {
        results[i] =
            run_shard(batch, objective, shards[i], network, policy_weights, entropy_weights);
      },
      [&](int64_t i, const at::Tensor& gradient) {
        if (measure_noise)
          parts.push_back({static_cast<double>(shards[i].size()), squared_norm(gradient)});
      });

  sequences_before_ += batch.size();

  UpdateResult total;
  if (measure_noise)
    total.noise = noise_of(parts, squared_norm(policy_.parameters().gradient()),
                           static_cast<double>(batch.size()));
  total.log_probs = at::zeros_like(batch.mask);
  for (size_t i = 0; i < shards.size(); ++i) {
    total += results[i].terms;
    const at::Tensor& log_probs = results[i].log_probs;
    total.log_probs.narrow(1, 0, log_probs.size(1))
        .index_copy_(0, at::tensor(shards[i], at::kLong), log_probs);
  }
  work_.flops +=
      gradient_flops(policy_.network(), batch.sequences, batch.returns.defined(), shards);
  work_.gradient_seconds += watch.lap();
  return total;
}

void Learner::apply(UpdateResult& result, double learning_rate) {
  Stopwatch watch;
  result.grad_norm = gradient_norm(policy_.parameters(), pool_);
  result.finite = result.finite && result.is_finite() && std::isfinite(result.grad_norm);
  if (!result.finite) return;
  const bool clip = options_.max_grad_norm > 0 && result.grad_norm > options_.max_grad_norm;
  const double scale = clip ? options_.max_grad_norm / (result.grad_norm + 1e-6) : 1.0;
  optimizer_->step(pool_, options_, learning_rate, scale);
  work_.optimizer_seconds += watch.lap();
}

UpdateResult Learner::update(const UpdateBatch& batch, const Objective& objective,
                             double learning_rate) {
  clear();
  UpdateResult result = accumulate(batch, objective);
  apply(result, learning_rate);
  return result;
}

}  // namespace pgtrain
