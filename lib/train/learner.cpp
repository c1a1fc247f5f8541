#include "train/learner.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "rl/loss.h"
#include "tensor/linear_log_prob.h"
#include "tensor/row_kernels.h"

namespace pgtrain {
namespace {

constexpr int64_t kBlock = 1 << 16;

// The counted entries of the given rows of [batch, time] x, row after row: the order of
// LanguageModel::hidden.
at::Tensor flatten_rows(const at::Tensor& x, const UpdateBatch& batch,
                        const std::vector<int64_t>& rows) {
  std::vector<at::Tensor> parts;
  for (const int64_t row : rows)
    parts.push_back(x.select(0, row).narrow(0, 0, batch.sequences[row]->completion_length()));
  return at::cat(parts);
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

}  // namespace

struct Learner::ShardResult {
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;
  at::Tensor log_probs;
};

at::Tensor completion_mask(const std::vector<const Sequence*>& sequences) {
  int64_t longest = 1;
  for (const Sequence* sequence : sequences)
    longest = std::max(longest, sequence->completion_length());
  at::Tensor mask = at::zeros({static_cast<int64_t>(sequences.size()), longest});
  for (size_t i = 0; i < sequences.size(); ++i)
    mask.select(0, static_cast<int64_t>(i))
        .narrow(0, 0, sequences[i]->completion_length())
        .fill_(1);
  return mask;
}

Learner::Learner(Policy& policy, WorkerPool& pool, const OptimizerOptions& options,
                 int64_t micro_batch)
    : policy_(policy), pool_(pool), options_(options), micro_batch_(micro_batch) {
  PG_CHECK(micro_batch >= 1, "micro_batch is {}", micro_batch);
  for (int i = 0; i < pool.size(); ++i) replicas_.push_back(policy.replicate());
  reset_optimizer();
}

void Learner::reset_optimizer() { optimizer_ = std::make_unique<Adam>(policy_.parameters()); }

bool Learner::is_finite() const {
  if (!at::isfinite(policy_.parameters().values()).all().item<bool>()) return false;
  for (const NamedTensor& moment : optimizer_->state())
    if (!at::isfinite(moment.tensor).all().item<bool>()) return false;
  return true;
}

Learner::ShardResult Learner::run_shard(const UpdateBatch& batch, const std::vector<int64_t>& rows,
                                        const Policy::Replica& replica) const {
  std::vector<const Sequence*> sequences;
  for (const int64_t row : rows) sequences.push_back(batch.sequences[row]);
  const at::Tensor hidden = replica.model->hidden(sequences);
  const LogProbs result =
      linear_log_prob(hidden, replica.model->head_weight(), replica.model->head_bias(),
                      completion_ids(sequences), 1.0 / batch.temperature);
  const at::Tensor policy_weights = flatten_rows(batch.policy_weights, batch, rows);
  const at::Tensor policy_loss = weighted_sum(
      reinforce_loss(result.log_prob, flatten_rows(batch.advantages, batch, rows)), policy_weights);
  const at::Tensor entropy =
      weighted_sum(result.entropy, flatten_rows(batch.entropy_weights, batch, rows));
  at::Tensor loss = policy_loss;
  if (batch.entropy_coef != 0) loss = loss - batch.entropy_coef * entropy;
  ShardResult shard;
  if (batch.returns.defined() && replica.value_head) {
    const at::Tensor value = weighted_sum(
        value_loss(replica.value_head->values(hidden), flatten_rows(batch.returns, batch, rows)),
        policy_weights);
    loss = loss + batch.value_coef * value;
    shard.value_loss = value.item<double>();
  }
  loss.backward();
  shard.policy_loss = policy_loss.item<double>();
  shard.entropy = entropy.item<double>();
  shard.log_probs = result.log_prob.detach();
  return shard;
}

UpdateResult Learner::accumulate(const UpdateBatch& batch) {
  const auto count = static_cast<int64_t>(batch.sequences.size());
  // Longest first, empty completions left out: they have nothing to learn from.
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i)
    if (batch.sequences[i]->completion_length() > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return batch.sequences[a]->tokens.size() > batch.sequences[b]->tokens.size();
  });
  const auto shard_rows = [&](int64_t shard) {
    const auto first = order.begin() + shard * micro_batch_;
    return std::vector<int64_t>(first, std::min(first + micro_batch_, order.end()));
  };
  const int64_t shards = (static_cast<int64_t>(order.size()) + micro_batch_ - 1) / micro_batch_;
  std::vector<ShardResult> results(static_cast<size_t>(shards));
  policy_.parameters().gradient().zero_();
  pool_.run_ordered(
      shards,
      [&](int64_t shard, int worker) {
        results[shard] = run_shard(batch, shard_rows(shard), replicas_[worker]);
      },
      [&](int64_t, int worker) {
        move_gradient(replicas_[worker].gradient, policy_.parameters().gradient());
      });

  UpdateResult total;
  total.log_probs.resize(static_cast<size_t>(count), at::empty({0}));
  for (int64_t shard = 0; shard < shards; ++shard) {
    const ShardResult& result = results[shard];
    total.policy_loss += result.policy_loss;
    total.value_loss += result.value_loss;
    total.entropy += result.entropy;
    int64_t at = 0;
    for (const int64_t row : shard_rows(shard)) {
      const int64_t length = batch.sequences[row]->completion_length();
      total.log_probs[row] = result.log_probs.narrow(0, at, length);
      at += length;
    }
  }
  total.grad_norm = optimizer_->gradient_norm(pool_);
  total.finite = std::isfinite(total.policy_loss) && std::isfinite(total.value_loss) &&
                 std::isfinite(total.entropy) && std::isfinite(total.grad_norm);
  return total;
}

UpdateResult Learner::update(const UpdateBatch& batch, double learning_rate) {
  UpdateResult result = accumulate(batch);
  if (!result.finite) return result;
  const bool clip = options_.max_grad_norm > 0 && result.grad_norm > options_.max_grad_norm;
  const double scale = clip ? options_.max_grad_norm / (result.grad_norm + 1e-6) : 1.0;
  optimizer_->step(pool_, options_, learning_rate, scale);
  return result;
}

}  // namespace pgtrain
