#include "train/objective.h"

#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

// Two completions of 3 and 2 tokens. float64.
ObjectiveInputs make_inputs() {
  torch::manual_seed(8);
  ObjectiveInputs in;
  in.mask = torch::tensor({{1.0, 1.0, 1.0}, {1.0, 1.0, 0.0}}, torch::kFloat64);
  in.log_prob = -torch::rand({2, 3}, torch::kFloat64) - 0.5;
  in.old_log_probs = in.log_prob + 0.3 * torch::randn({2, 3}, torch::kFloat64);
  in.ref_log_probs = in.log_prob + 0.3 * torch::randn({2, 3}, torch::kFloat64);
  in.entropy = torch::rand({2, 3}, torch::kFloat64);
  in.values = torch::randn({2, 3}, torch::kFloat64);
  in.old_values = in.values + 0.2 * torch::randn({2, 3}, torch::kFloat64);
  in.returns = torch::randn({2, 3}, torch::kFloat64);
  in.advantages = torch::tensor({{0.7}, {-1.1}}, torch::kFloat64) * in.mask;
  in.policy_weights = token_weights(in.mask, Aggregation::kSequenceMeanTokenSum);
  in.entropy_weights = token_weights(in.mask, Aggregation::kTokenMean);
  in.batch_size = 2;
  for (auto* x : {&in.log_prob, &in.entropy, &in.values}) x->requires_grad_(true);
  return in;
}

Objective full(PolicyLoss loss) {
  Objective objective;
  objective.loss = loss;
  objective.ratio.max_ratio = loss == PolicyLoss::kCispo ? 1.1 : 0;
  objective.kl_coef = 0.3;
  objective.entropy_coef = 0.1;
  objective.value_coef = 0.5;
  objective.value_clip = 0.1;
  return objective;
}

const std::vector<PolicyLoss> kLosses = {PolicyLoss::kReinforce, PolicyLoss::kPpo,
                                         PolicyLoss::kGspo, PolicyLoss::kCispo,
                                         PolicyLoss::kRlooSequence};

}  // namespace

TEST_CASE("objective: every term by its own function, with its coefficient", "[train]") {
  for (const PolicyLoss loss : kLosses) {
    const auto in = make_inputs();
    const Objective objective = full(loss);
    const auto terms = evaluate(objective, in);
    at::Tensor policy;
    if (loss == PolicyLoss::kReinforce) policy = reinforce_loss(in.log_prob, in.advantages);
    if (loss == PolicyLoss::kPpo)
      policy = ppo_loss(in.log_prob, in.old_log_probs, in.advantages, objective.ratio);
    if (loss == PolicyLoss::kGspo)
      policy = gspo_loss(in.log_prob, in.old_log_probs, in.advantages, in.mask, objective.ratio);
    if (loss == PolicyLoss::kCispo)
      policy = cispo_loss(in.log_prob, in.old_log_probs, in.advantages, 1.1);
    at::Tensor expected = loss == PolicyLoss::kRlooSequence
                              ? sequence_ratio_loss(in.log_prob, in.old_log_probs,
                                                    torch::tensor({0.7, -1.1}, torch::kFloat64),
                                                    in.mask, objective.ratio)
                                    .mean()
                              : (policy * in.mask).sum() / 2;
    CHECK(close(terms.policy_loss, expected.item<double>()));
    const auto kl = kl_estimate(in.log_prob, in.ref_log_probs, KlEstimator::kK3);
    const auto value = clipped_value_loss(in.values, in.old_values, in.returns, 0.1);
    expected = expected + 0.3 * (kl * in.mask).sum() / 2 - 0.1 * (in.entropy * in.mask).sum() / 5 +
               0.5 * (value * in.mask).sum() / 2;
    CHECK(close(terms.total, expected.item<double>()));
  }
}

TEST_CASE("objective: gradient against central differences", "[train]") {
  for (const PolicyLoss loss :
       {PolicyLoss::kReinforce, PolicyLoss::kPpo, PolicyLoss::kGspo, PolicyLoss::kRlooSequence}) {
    auto in = make_inputs();
    evaluate(full(loss), in).loss.backward();
    for (auto* x : {&in.log_prob, &in.entropy, &in.values}) {
      const auto numeric = test::numeric_gradient(
          x->detach(), [&] { return evaluate(full(loss), in).loss.item<double>(); });
      CHECK(close(x->grad(), numeric, test::kToleranceGradient));
    }
  }
}

TEST_CASE("objective: the shares of shards add up to the whole", "[train]") {
  for (const PolicyLoss loss : kLosses) {
    const auto in = make_inputs();
    const auto whole = evaluate(full(loss), in);
    ObjectiveTerms sum;
    for (int64_t row = 0; row < 2; ++row) {
      ObjectiveInputs part = in;
      for (auto* x : {&part.log_prob, &part.entropy, &part.values, &part.mask, &part.advantages,
                      &part.old_log_probs, &part.ref_log_probs, &part.returns, &part.old_values,
                      &part.policy_weights, &part.entropy_weights})
        *x = x->narrow(0, row, 1);
      sum += evaluate(full(loss), part);
    }
    CHECK(close(sum.total, whole.total));
    CHECK(close(sum.policy_loss, whole.policy_loss));
    CHECK(close(sum.clip.clip_fraction(), whole.clip.clip_fraction()));
    CHECK(close(sum.ratio.approx_kl(), whole.ratio.approx_kl()));
  }
}

TEST_CASE("objective: at ratio 1 every loss has the gradient of REINFORCE", "[train]") {
  const auto gradient = [](PolicyLoss loss) {
    auto in = make_inputs();
    in.old_log_probs = in.log_prob.detach();
    in.values.reset();
    in.ref_log_probs.reset();
    // GSPO's ratio is a mean over the sequence: sums become means.
    if (loss == PolicyLoss::kGspo)
      in.policy_weights =
          token_weights(in.mask, Aggregation::kSequenceMeanTokenMean) * in.mask.sum(1, true);
    Objective objective;
    objective.loss = loss;
    objective.ratio.max_ratio = loss == PolicyLoss::kCispo ? 5 : 0;
    evaluate(objective, in).loss.backward();
    return in.log_prob.grad() * in.mask;
  };
  for (const PolicyLoss loss : kLosses)
    CHECK(close(gradient(loss), gradient(PolicyLoss::kReinforce)));
}

TEST_CASE("objective: completions that the policy has left are masked, by hand", "[train]") {
  auto in = make_inputs();
  in.old_log_probs = in.log_prob.detach() + 0.5;  // half a nat less probable than when sampled
  Objective objective;
  objective.off_policy_threshold = 0.4;
  objective.loss = PolicyLoss::kReinforce;
  // Row 1 has a negative advantage and goes; row 0 stays.
  const auto expected = (reinforce_loss(in.log_prob, in.advantages)[0].sum() / 2).item<double>();
  CHECK(close(evaluate(objective, in).policy_loss, expected));
  objective.off_policy_threshold = 0.6;
  CHECK(!close(evaluate(objective, in).policy_loss, expected));
}
