#include "train/learner.h"

#include <string_view>

#include "rl/loss.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

std::unique_ptr<Policy> make_policy(bool with_value_head = false) {
  auto tokenizer = build_tokenizer({"char", 0, ""}, {std::string_view("abcdef")});
  auto options = test::tiny_options("gru", tokenizer->vocab_size());
  return std::make_unique<Policy>(std::move(tokenizer), options,
                                  with_value_head ? ValueNetwork::kShared : ValueNetwork::kNone, 1);
}

UpdateBatch make_batch(const std::vector<Sequence>& sequences, bool with_returns = false) {
  UpdateBatch batch;
  batch.sequences = test::pointers(sequences);
  batch.mask = completion_mask(batch.sequences);
  torch::manual_seed(3);
  batch.advantages = torch::randn(batch.mask.sizes());
  if (with_returns) batch.returns = torch::randn(batch.mask.sizes());
  return batch;
}

Objective make_objective() {
  Objective objective;
  objective.temperature = 0.9;
  objective.entropy_coef = 0.05;
  objective.value_coef = 0.5;
  return objective;
}

struct Outcome {
  at::Tensor gradient;
  at::Tensor values;
  UpdateResult result;
};

Outcome run(int threads, int64_t micro_batch, const UpdateBatch& batch, int64_t steps = 1,
            const Objective& objective = make_objective(),
            Parallelism parallelism = Parallelism::kSequences) {
  const auto policy = make_policy(batch.returns.defined());
  policy->set_parallelism(parallelism);
  WorkerPool pool(threads);
  Learner learner(*policy, pool, {}, micro_batch);
  Outcome outcome;
  for (int64_t i = 0; i < steps; ++i) outcome.result = learner.update(batch, objective, 1e-2);
  outcome.gradient = policy->parameters().gradient().clone();
  outcome.values = policy->parameters().values().clone();
  return outcome;
}

}  // namespace

TEST_CASE("completion mask: one for each completion token", "[train]") {
  const Sequence a{{1, 2, 3}, 1}, b{{1}, 1};
  const auto mask = completion_mask({&a, &b});
  CHECK(torch::equal(mask, torch::tensor({{1.0F, 1.0F}, {0.0F, 0.0F}})));
}

TEST_CASE(
    "learner: the gradient is that of the loss written out with torch, for policy, entropy and "
    "value",
    "[train]") {
  const auto sequences = test::random_sequences(10, 11, 7);
  const auto batch = make_batch(sequences, true);
  const auto policy = make_policy(true);
  WorkerPool pool(2);
  Learner learner(*policy, pool, {}, 3);
  learner.clear();
  auto result = learner.accumulate(batch, make_objective());
  const auto policy_weights = token_weights(batch.mask, Aggregation::kSequenceMeanTokenSum);
  const auto entropy_weights = token_weights(batch.mask, Aggregation::kTokenMean);

  auto replica = policy->replicate();
  at::Tensor policy_loss = torch::zeros({}), entropy = torch::zeros({}), value = torch::zeros({});
  for (size_t i = 0; i < sequences.size(); ++i) {
    const int64_t length = sequences[i].completion_length();
    if (length == 0) continue;
    const auto row = [&](const at::Tensor& x) {
      return x[static_cast<int64_t>(i)].narrow(0, 0, length);
    };
    const auto hidden = replica.network.model->hidden({&sequences[i]});
    const auto logits = (torch::mm(hidden, replica.network.model->head_weight().t()) +
                         replica.network.model->head_bias()) /
                        0.9;
    const auto log_p = torch::log_softmax(logits, 1);
    const auto chosen = log_p.gather(1, completion_ids({&sequences[i]}).unsqueeze(1)).squeeze(1);
    policy_loss = policy_loss - (row(batch.advantages) * chosen * row(policy_weights)).sum();
    entropy = entropy - ((log_p.exp() * log_p).sum(1) * row(entropy_weights)).sum();
    const auto v = replica.network.value_head->values(hidden);
    value = value + (0.5 * (v - row(batch.returns)).square() * row(policy_weights)).sum();
    CHECK(close(row(result.log_probs), chosen, test::kTolerance32));
  }
  (policy_loss - 0.05 * entropy + 0.5 * value).backward();
  CHECK(close(policy->parameters().gradient(), replica.gradient, 3 * test::kTolerance32));
  CHECK(close(result.policy_loss, policy_loss.item<double>(), test::kTolerance32));
  CHECK(close(result.entropy, entropy.item<double>(), test::kTolerance32));
  CHECK(close(result.value_loss, value.item<double>(), test::kTolerance32));
  learner.apply(result, 0);
  CHECK(close(result.grad_norm, replica.gradient.norm().item<double>(), test::kTolerance32));
}

TEST_CASE("learner: any split into micro-batches gives the same gradient", "[train]") {
  const auto sequences = test::random_sequences(23, 11, 8);
  const auto batch = make_batch(sequences);
  const auto whole = run(1, 64, batch);
  for (const int64_t micro_batch : {1, 2, 5, 22})
    CHECK(close(run(1, micro_batch, batch).gradient, whole.gradient, 3 * test::kTolerance32));
}

TEST_CASE(
    "learner: workers that share operators give the same gradient, with the same bits for any "
    "number of them",
    "[train]") {
  const auto sequences = test::random_sequences(23, 11, 8);
  const auto batch = make_batch(sequences, true);
  const auto apart = run(2, 5, batch, 3);
  const auto shared = [&](int threads) {
    return run(threads, 5, batch, 3, make_objective(), Parallelism::kOperators);
  };
  const auto one = shared(1);
  CHECK(close(one.gradient, apart.gradient, 3 * test::kTolerance32));
  for (const int threads : {2, 3}) CHECK(test::same_bits(shared(threads).values, one.values));
}

TEST_CASE("learner: with one gradient the noise comes from a drawn micro-batch", "[train]") {
  const auto sequences = test::random_sequences(8, 11, 8);
  const auto batch = make_batch(sequences);
  const auto policy = make_policy();
  policy->set_parallelism(Parallelism::kOperators);
  WorkerPool pool(2);
  Learner learner(*policy, pool, {}, 3);
  const auto square = [&](const UpdateBatch& part) {
    learner.clear();
    auto noise = learner.accumulate(part, Objective(), true).noise;
    return std::make_pair(policy->parameters().gradient().square().sum().item<double>(), noise);
  };
  const auto [whole, noise] = square(batch);
  const auto present = static_cast<double>(batch.size());
  const auto shards = length_shards(batch.sequences, 3);
  const double draw = Rng(0, Purpose::kNoise).uniform(0);
  const auto first = shards[static_cast<size_t>(draw * static_cast<double>(shards.size()))];
  UpdateBatch part = batch.rows(first);
  const auto [small, none] = square(part);
  CHECK(!none);
  REQUIRE(noise);
  // Alone, the part's mean is over itself.
  const auto expected = gradient_noise(small, whole, static_cast<double>(first.size()), present);
  CHECK(close(noise->signal, expected.signal, 1e-4));
  CHECK(close(noise->noise, expected.noise, 1e-4));
}

TEST_CASE("learner: prompts read once for their samples give the gradient of samples one by one",
          "[train]") {
  auto sequences = test::random_sequences(23, 11, 12);
  for (size_t i = 4; i < sequences.size(); ++i) {  // four prompts, interleaved
    const Sequence& first = sequences[i % 4];
    auto& tokens = sequences[i].tokens;
    tokens.erase(tokens.begin(), tokens.begin() + sequences[i].prompt_length);
    tokens.insert(tokens.begin(), first.tokens.begin(), first.tokens.begin() + first.prompt_length);
    sequences[i].prompt_length = first.prompt_length;
  }
  const auto batch = make_batch(sequences, true);
  const auto alone = run(1, 1, batch);
  for (const int64_t micro_batch : {5, 64}) {
    const auto grouped = run(2, micro_batch, batch);
    CHECK(close(grouped.gradient, alone.gradient, 3 * test::kTolerance32));
    CHECK(close(grouped.result.log_probs, alone.result.log_probs, test::kTolerance32));
  }
}

TEST_CASE("learner: the noise of the gradient, from shards that agree and shards that cancel",
          "[train]") {
  const Sequence sequence{{1, 6, 3, 7, 8}, 2};
  const std::vector<Sequence> sequences = {sequence, sequence};
  const auto measure = [&](float second) {
    UpdateBatch batch = make_batch(sequences);
    batch.advantages = torch::tensor({{1.0F}, {second}}) * batch.mask;
    const auto policy = make_policy();
    WorkerPool pool(1);
    Learner learner(*policy, pool, {}, 1);
    learner.clear();
    const auto noise = learner.accumulate(batch, Objective(), true).noise;
    const double square = policy->parameters().gradient().square().sum().item<double>();
    REQUIRE(noise);
    return std::make_pair(*noise, square);
  };
  const auto [same, square] = measure(1);
  CHECK(close(same.noise, 0, test::kTolerance32));
  CHECK(close(same.signal / square, 1, test::kTolerance32));
  // b = 1, B = 2, |g_b|^2 = square, |g_B|^2 = 0: signal -square, noise square / (1 - 1/2).
  const auto [opposite, none] = measure(-1);
  CHECK(none < 1e-10 * square);
  CHECK(close(opposite.signal / square, -1, test::kTolerance32));
  CHECK(close(opposite.noise / square, 2, test::kTolerance32));
}

TEST_CASE("learner: any number of threads gives the same bits", "[train]") {
  const auto sequences = test::random_sequences(40, 11, 9);
  const auto batch = make_batch(sequences, true);
  const auto one = run(1, 4, batch, 5);
  for (const int threads : {2, 3, 7}) {
    const auto many = run(threads, 4, batch, 5);
    CHECK(test::same_bits(many.values, one.values));
    CHECK(many.result.policy_loss == one.result.policy_loss);
    CHECK(many.result.grad_norm == one.result.grad_norm);
  }
}

TEST_CASE("learner: padding never counts, zero advantages give a zero gradient", "[train]") {
  const auto sequences = test::random_sequences(12, 11, 10);
  auto batch = make_batch(sequences);
  const auto before = run(2, 4, batch);
  const auto mask = batch.mask;
  batch.advantages = torch::where(
      mask == 0, torch::full_like(mask, std::numeric_limits<float>::quiet_NaN()), batch.advantages);
  CHECK(test::same_bits(run(2, 4, batch).gradient, before.gradient));
  batch.advantages = torch::zeros_like(mask);
  const auto zero = run(2, 4, batch, 1, {});
  CHECK(zero.gradient.abs().max().item<double>() == 0);
  CHECK(test::same_bits(zero.values, make_policy()->parameters().values()));
}

TEST_CASE("learner: a step that is not finite is skipped and said so", "[train]") {
  const auto sequences = test::random_sequences(6, 11, 11);
  auto batch = make_batch(sequences);
  batch.advantages.fill_(std::numeric_limits<float>::infinity());
  const auto outcome = run(2, 4, batch);
  CHECK(!outcome.result.finite);
  CHECK(test::same_bits(outcome.values, make_policy()->parameters().values()));
}

TEST_CASE("learner: a batch of empty completions changes nothing", "[train]") {
  const std::vector<Sequence> sequences = {{{1, 2}, 2}, {{3}, 1}};
  UpdateBatch batch = make_batch(sequences);
  const auto outcome = run(1, 4, batch);
  CHECK(outcome.result.finite);
  CHECK(outcome.result.grad_norm == 0);
}
