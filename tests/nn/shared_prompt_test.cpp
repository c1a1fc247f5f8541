// A prompt that adjacent sequences have in common is read once: values and gradients are those of
// the sequences one by one.
#include "nn/language_model.h"
#include "nn/packed_tokens.h"
#include "nn/time_major.h"
#include "nn/value_head.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

constexpr int64_t kVocabulary = 11;

struct Case {
  std::string name;
  ModelOptions options;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const char* kind : {"gru", "lstm"})
    result.push_back({kind, test::tiny_options(kind, kVocabulary, 2)});
  for (const char* kind : {"llama", "gpt2"}) {
    ModelOptions options = test::tiny_options(kind, kVocabulary, 2);
    options.num_heads = 4;
    options.intermediate_size = 6;
    options.max_positions = 64;
    if (options.is_llama()) options.num_kv_heads = 2;
    result.push_back({kind, options});
    if (options.is_llama()) {
      ModelOptions qwen3 = options, windowed = options;
      qwen3.family = "qwen3";
      qwen3.qk_norm = true;
      qwen3.head_dim = 6;
      result.push_back({"qwen3", qwen3});
      windowed.family = "mistral";
      windowed.sliding_window = 3;
      result.push_back({"window", windowed});
    }
    options.lora.rank = 2;
    options.lora.alpha = 2;  // a scale of 1, for central differences
    options.lora.dropout = 0.4;
    result.push_back({std::string(kind) + " with adapters", options});
  }
  return result;
}

// In float64, with all parameters away from their initial values.
std::unique_ptr<LanguageModel> model_of(const ModelOptions& options) {
  auto model = make_language_model(options);
  model->initialise(1);
  torch::manual_seed(2);
  for (const auto& list : {model->parameters(), model->frozen_parameters()})
    for (const auto& parameter : list)
      *parameter.tensor =
          (parameter.tensor->detach() + torch::randn(parameter.tensor->sizes()) * 0.3)
              .to(torch::kFloat64);
  for (const auto& parameter : model->parameters()) parameter.tensor->requires_grad_(true);
  return model;
}

Sequence sequence_of(std::vector<int64_t> prompt, int64_t completion, int64_t seed) {
  Sequence sequence{std::move(prompt), 0};
  sequence.prompt_length = static_cast<int64_t>(sequence.tokens.size());
  for (int64_t t = 0; t < completion; ++t)
    sequence.tokens.push_back((seed * 3 + t * t + 2 * t) % kVocabulary);
  return sequence;
}

// Groups of three, one, two and two; empty completions within and between them; prompts that begin
// alike, a prompt that is the beginning of the next text, prompts of one token.
std::vector<Sequence> mixed_groups() {
  const std::vector<int64_t> prompt = {1, 4, 2, 9, 0, 3}, longer = {1, 4, 2, 9, 0, 3, 3},
                             other = {1, 4, 2, 9, 0, 5};
  return {sequence_of(prompt, 4, 0), sequence_of(prompt, 0, 1), sequence_of(prompt, 1, 2),
          sequence_of(prompt, 6, 3), sequence_of(longer, 3, 4), sequence_of({8}, 0, 0),
          sequence_of(other, 2, 5),  sequence_of(other, 2, 5),  sequence_of({7}, 1, 6),
          sequence_of({7}, 1, 7),    sequence_of({7}, 5, 8)};
}

std::vector<at::Tensor> leaves_of(LanguageModel& model) {
  std::vector<at::Tensor> leaves;
  for (const auto& parameter : model.parameters()) leaves.push_back(*parameter.tensor);
  return leaves;
}

// The log-probabilities and values of the batch, [2, N].
at::Tensor outputs(const LanguageModel& model, const ValueHead& head,
                   const std::vector<const Sequence*>& batch, const DropoutKey& dropout) {
  const at::Tensor hidden = model.hidden(batch, dropout);
  const LogProbs result =
      linear_log_prob(hidden, model.head_weight(), model.head_bias(), completion_ids(batch), 1.0);
  return at::stack({result.log_prob, head.values(hidden)});
}

void compare_with_one_by_one(const Case& c, const Rng* dropout) {
  INFO(c.name << (dropout == nullptr ? "" : " with dropout"));
  const auto model = model_of(c.options);
  ValueHead head(c.options.hidden_size, true);
  for (const auto& parameter : head.parameters())
    *parameter.tensor = torch::randn(parameter.tensor->sizes(), torch::kFloat64);
  const auto sequences = mixed_groups();
  std::vector<uint32_t> numbers;
  std::vector<at::Tensor> alone;
  for (const Sequence& sequence : sequences) {
    numbers.push_back(static_cast<uint32_t>(20 - numbers.size()));
    if (sequence.completion_length() > 0)
      alone.push_back(outputs(*model, head, {&sequence}, {dropout, 4, {numbers.back()}}));
  }
  const at::Tensor expected = at::cat(alone, 1);
  const at::Tensor together =
      outputs(*model, head, test::pointers(sequences), {dropout, 4, numbers});
  CHECK(close(together, expected));
  const at::Tensor weights = torch::randn_like(expected);
  const auto leaves = leaves_of(*model);
  const auto gradients =
      torch::autograd::grad({(together * weights).sum()}, leaves, {}, {}, false, true);
  const auto expected_gradients =
      torch::autograd::grad({(expected * weights).sum()}, leaves, {}, {}, false, true);
  for (size_t i = 0; i < leaves.size(); ++i) {
    INFO(model->parameters()[i].name);
    REQUIRE(gradients[i].defined() == expected_gradients[i].defined());
    if (gradients[i].defined()) CHECK(close(gradients[i], expected_gradients[i]));
  }
}

}  // namespace

TEST_CASE("shared prompts: values and gradients of groups equal those of one text after the other",
          "[nn]") {
  const Rng rng(3, Purpose::kDropout);
  for (const Case& c : cases()) {
    compare_with_one_by_one(c, nullptr);
    compare_with_one_by_one(c, &rng);
  }
}

TEST_CASE("shared prompts: gradients of a group equal central differences", "[nn]") {
  const std::vector<Sequence> sequences = {sequence_of({5, 2, 6, 1}, 3, 0),
                                           sequence_of({5, 2, 6, 1}, 1, 1),
                                           sequence_of({5, 2, 6, 1}, 2, 2)};
  for (const Case& c : cases()) {
    const auto model = model_of(c.options);
    const at::Tensor weights = torch::randn({6, c.options.hidden_size}, torch::kFloat64);
    const auto loss = [&] { return (model->hidden(test::pointers(sequences)) * weights).sum(); };
    loss().backward();
    for (const auto& parameter : model->parameters()) {
      if (!parameter.tensor->grad().defined()) continue;  // the head
      const auto numeric =
          test::numeric_gradient(parameter.tensor->detach(), [&] { return loss().item<double>(); });
      INFO(c.name << " " << parameter.name << ": "
                  << test::max_difference(parameter.tensor->grad(), numeric) << " of "
                  << numeric.abs().max().item<double>());
      CHECK(close(parameter.tensor->grad(), numeric, test::kToleranceGradient));
    }
  }
}

TEST_CASE("shared prompts: equal prompts side by side, and no others, have common rows", "[nn]") {
  const auto sequences = mixed_groups();
  std::vector<const Sequence*> read;
  for (const Sequence& sequence : sequences)
    if (sequence.completion_length() > 0) read.push_back(&sequence);
  PackedTokens tokens = pack_sequences(read, true);
  tokens.finish(kVocabulary);
  const auto is = [&](size_t i, int64_t trunk, std::vector<int64_t> branches, int64_t first) {
    const RowGroup& group = tokens.groups.at(i);
    CHECK(group.trunk == trunk);
    CHECK(group.branches == branches);
    CHECK(group.first == first);
  };
  REQUIRE(tokens.groups.size() == 4);
  is(0, 6, {3, 0, 5}, 5);
  is(1, 9, {}, 6);
  is(2, 6, {1, 1}, 5);
  is(3, 1, {0, 0, 4}, 0);
  CHECK(tokens.ids.size(0) == 14 + 9 + 8 + 5);
  PackedTokens apart = pack_sequences(read, false);
  CHECK(!apart.has_branches());
  CHECK(apart.groups.size() == read.size());
}

TEST_CASE("shared prompts: the order of recurrent layers by hand", "[nn]") {
  // Rows 0-1 and their branches 2-4, none, 5; rows 6-8 by themselves.
  const TimeMajor order = time_major({{2, {3, 0, 1}, 1}, {3, {}, 2}});
  CHECK(order.sizes == std::vector<int64_t>{2, 2, 3, 1, 1});
  CHECK(order.rows == std::vector<int64_t>{0, 6, 1, 7, 2, 5, 8, 3, 4});
  CHECK(order.places() == std::vector<int64_t>{0, 2, 4, 7, 8, 5, 1, 3, 6});
  REQUIRE(order.parents.size() == 5);
  CHECK(at::equal(order.parents[2], at::tensor({0, 0, 1}, at::kLong)));
  for (const size_t step : {0, 1, 3, 4}) CHECK(!order.parents[step].defined());
}
