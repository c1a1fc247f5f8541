#include "train/forward.h"

#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "core/parallel.h"

namespace pgtrain {

SequenceBatch SequenceBatch::rows(const std::vector<int64_t>& rows) const {
  SequenceBatch result;
  for (const int64_t row : rows) {
    result.sequences.push_back(sequences[row]);
    if (!kept.empty()) result.kept.push_back(kept[row]);
  }
  return result;
}

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

namespace {

// Orders sequences by their prompts.
struct PromptLess {
  bool operator()(const Sequence* a, const Sequence* b) const {
    return std::lexicographical_compare(a->tokens.begin(), a->tokens.begin() + a->prompt_length,
                                        b->tokens.begin(), b->tokens.begin() + b->prompt_length);
  }
};

// For each sequence the number of its prompt, prompts numbered as they first appear.
std::vector<size_t> prompt_numbers(const std::vector<const Sequence*>& sequences) {
  std::map<const Sequence*, size_t, PromptLess> numbers;
  std::vector<size_t> result;
  for (const Sequence* sequence : sequences)
    result.push_back(numbers.emplace(sequence, numbers.size()).first->second);
  return result;
}

}  // namespace

std::vector<std::vector<int64_t>> length_shards(const std::vector<const Sequence*>& sequences,
                                                int64_t micro_batch) {
  const std::vector<size_t> prompt = prompt_numbers(sequences);
  std::vector<size_t> longest(sequences.size());  // of the sequences with each prompt
  std::vector<int64_t> order;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i]->completion_length() == 0) continue;
    order.push_back(static_cast<int64_t>(i));
    longest[prompt[i]] = std::max(longest[prompt[i]], sequences[i]->tokens.size());
  }
  const auto key = [&](int64_t i) {
    const size_t number = prompt[static_cast<size_t>(i)];
    return std::make_tuple(~longest[number], number, ~sequences[i]->tokens.size());
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return key(a) < key(b); });
  std::vector<std::vector<int64_t>> shards;
  for (auto first = order.begin(); first != order.end();) {
    const auto last = first + std::min<int64_t>(micro_batch, order.end() - first);
    shards.emplace_back(first, last);
    first = last;
  }
  return shards;
}

LogProbs token_log_probs(const LanguageModel& model, const at::Tensor& hidden,
                         const SequenceBatch& batch, double temperature) {
  std::vector<const IdSet*> kept;
  for (size_t i = 0; i < batch.kept.size(); ++i) {
    const auto length = static_cast<size_t>(batch.sequences[i]->completion_length());
    const std::vector<IdSet>* sets = batch.kept[i];
    for (size_t t = 0; t < length; ++t)
      kept.push_back(sets == nullptr || sets->empty() ? nullptr : &sets->at(t));
  }
  return linear_log_prob(hidden, model.head_weight(), model.head_bias(),
                         completion_ids(batch.sequences), 1.0 / temperature, kept);
}

at::Tensor unpack(const at::Tensor& packed, const at::Tensor& mask) {
  return at::zeros(mask.sizes(), packed.options().requires_grad(false))
      .masked_scatter(mask.to(at::kBool), packed);
}

namespace {

// [batch, time] of what `compute` gives for the completion tokens of each shard, [N].
at::Tensor by_shards(WorkerPool& pool, const SequenceBatch& batch, const at::Tensor& mask,
                     const WorkSplit& split,
                     const std::function<at::Tensor(const SequenceBatch&)>& compute) {
  const auto shards = length_shards(batch.sequences, split.micro_batch);
  const auto count = static_cast<int64_t>(shards.size());
  at::Tensor result = at::zeros_like(mask);
  const int64_t time = mask.size(1);
  const auto run = [&](int64_t shard, int) {
    const at::NoGradGuard no_gradient;
    const SequenceBatch part = batch.rows(shards[shard]);
    const at::Tensor packed = compute(part).contiguous();
    const float* from = packed.data_ptr<float>();
    for (size_t i = 0; i < shards[shard].size(); ++i) {
      const int64_t length = part.sequences[i]->completion_length();
      std::copy_n(from, length, result.data_ptr<float>() + shards[shard][i] * time);
      from += length;
    }
  };
  if (split.parallelism == Parallelism::kSequences) {
    pool.run(count, run);
  } else {
    const TeamScope team(pool);
    for (int64_t shard = 0; shard < count; ++shard) run(shard, 0);
  }
  return result;
}

}  // namespace

at::Tensor frozen_log_probs(const LanguageModel& model, WorkerPool& pool,
                            const SequenceBatch& batch, const at::Tensor& mask, double temperature,
                            const WorkSplit& split) {
  return by_shards(pool, batch, mask, split, [&](const SequenceBatch& part) {
    return token_log_probs(model, model.hidden(part.sequences), part, temperature).log_prob;
  });
}

at::Tensor frozen_values(const Network& network, WorkerPool& pool, const SequenceBatch& batch,
                         const at::Tensor& mask, const WorkSplit& split) {
  return by_shards(pool, batch, mask, split, [&](const SequenceBatch& part) {
    const at::Tensor hidden =
        network.value_model ? at::Tensor() : network.model->hidden(part.sequences);
    return network.values(hidden, part.sequences);
  });
}

}  // namespace pgtrain
