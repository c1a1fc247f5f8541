#include "rollout/generator.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/block_product.h"

namespace pgtrain {
namespace {

// The head's product into a buffer that is allocated once.
class Head {
 public:
  explicit Head(const LanguageModel& model)
      : weight_(model.head_weight().t()), bias_(model.head_bias()) {}
  at::Tensor logits(const at::Tensor& hidden) {
    const int64_t rows = hidden.size(0);
    if (!buffer_.defined() || buffer_.size(0) < rows)
      buffer_ = at::empty({rows, weight_.size(1)}, hidden.options());
    const at::Tensor out = buffer_.narrow(0, 0, rows);
    product_out(out, hidden, weight_, bias_);
    return out;
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor buffer_;
};

std::vector<Completion> empty_completions(const std::vector<std::vector<int64_t>>& prompts,
                                          int64_t samples_per_prompt) {
  std::vector<Completion> completions;
  for (const auto& prompt : prompts)
    for (int64_t i = 0; i < samples_per_prompt; ++i) {
      Completion completion;
      completion.sequence.tokens = prompt;
      completion.sequence.prompt_length = static_cast<int64_t>(prompt.size());
      completions.push_back(std::move(completion));
    }
  return completions;
}

}  // namespace

std::vector<Completion> generate(const LanguageModel& model, const ValueHead* value_head,
                                 const std::vector<std::vector<int64_t>>& prompts,
                                 int64_t samples_per_prompt, const GenerationOptions& options,
                                 const DrawKey& key) {
  const c10::InferenceMode guard;
  PG_CHECK(samples_per_prompt >= 1 && options.max_new_tokens >= 1, "{} samples of {} tokens",
           samples_per_prompt, options.max_new_tokens);
  auto completions = empty_completions(prompts, samples_per_prompt);
  if (completions.empty()) return completions;
  const Sampler sampler(options.sampler);
  const auto is_end = [&](int64_t id) {
    return std::find(options.end_ids.begin(), options.end_ids.end(), id) != options.end_ids.end();
  };
  const bool records = options.record_kept && sampler.truncates();
  Head head(model);
  const auto state = model.decode_state();
  state->start(prompts);
  std::vector<int64_t> spread;
  std::vector<int64_t> running;  // running[row] = index of the completion in that row
  for (int64_t i = 0; i < static_cast<int64_t>(completions.size()); ++i) {
    spread.push_back(i / samples_per_prompt);
    running.push_back(i);
  }
  state->select(spread);

  for (int64_t position = 0; !running.empty(); ++position) {
    const at::Tensor hidden = state->hidden();
    at::Tensor values;
    if (value_head != nullptr) values = value_head->values(hidden).contiguous();
    const at::Tensor logits = head.logits(hidden);
    const int64_t vocabulary = logits.size(1);
    std::vector<Draw> draws(running.size());
    parallel_blocks(static_cast<int64_t>(running.size()), [&](int64_t row) {
      const int64_t index = running[row];
      Completion& completion = completions[index];
      const double u = key.rng->uniform(key.step, key.first_sequence + static_cast<uint32_t>(index),
                                        static_cast<uint32_t>(position));
      IdSet* kept_ids = records ? &completion.kept.emplace_back() : nullptr;
      draws[row] = sampler.draw(logits.data_ptr<float>() + row * vocabulary, vocabulary, u,
                                completion.sequence.tokens, kept_ids);
    });
    std::vector<int64_t> kept;
    std::vector<int64_t> still_running;
    std::vector<int64_t> tokens;
    for (size_t row = 0; row < running.size(); ++row) {
      const int64_t index = running[row];
      Completion& completion = completions[index];
      const Draw& draw = draws[row];
      completion.sequence.tokens.push_back(draw.id);
      completion.log_probs.push_back(draw.log_prob);
      if (values.defined()) completion.values.push_back(values.data_ptr<float>()[row]);
      completion.finished = is_end(draw.id);
      if (options.on_token) options.on_token(index, draw.id);
      if (completion.finished || position + 1 == options.max_new_tokens) continue;
      kept.push_back(static_cast<int64_t>(row));
      still_running.push_back(index);
      tokens.push_back(draw.id);
    }
    if (kept.empty()) break;
    if (kept.size() < running.size()) state->select(kept);
    running = std::move(still_running);
    state->step(tokens);
  }
  return completions;
}

}  // namespace pgtrain
