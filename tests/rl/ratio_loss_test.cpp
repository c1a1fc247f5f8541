#include "rl/ratio_loss.h"

#include <cmath>
#include <functional>
#include <map>

#include "core/error.h"
#include "rl/family.h"
#include "rl/kl.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

RatioOptions clip(double low, double high) {
  RatioOptions options;
  options.clip_range_low = low;
  options.clip_range_high = high;
  return options;
}

RatioOptions dual_clip(double value) {
  RatioOptions options;
  options.dual_clip = value;
  return options;
}

RatioOptions max_ratio(double value) {
  RatioOptions options;
  options.max_ratio = value;
  return options;
}

// Rows of tokens, a completion without any included.
struct Rows {
  at::Tensor mask = torch::tensor({{1.0, 1.0, 1.0, 1.0},
                                   {1.0, 0.0, 0.0, 0.0},
                                   {0.0, 0.0, 0.0, 0.0},
                                   {1.0, 1.0, 1.0, 0.0},
                                   {1.0, 1.0, 0.0, 0.0}},
                                  torch::kFloat64);
  at::Tensor old = -torch::rand({5, 4}, torch::kFloat64) * 3;
  at::Tensor log_prob = old + 0.5 * torch::randn({5, 4}, torch::kFloat64);
  at::Tensor advantage = torch::tensor({1.3, -0.7, 2.0, -1.1, 0.4}, torch::kFloat64);

  at::Tensor tokens() const { return advantage.unsqueeze(1).expand({5, 4}).contiguous(); }
  // f(rows) for each: the same rows in another layout.
  Rows map(const std::function<at::Tensor(const at::Tensor&)>& f) const {
    Rows other;
    other.mask = f(mask);
    other.old = f(old);
    other.log_prob = f(log_prob);
    other.advantage = advantage;
    return other;
  }
};

// A loss of some rows with given token weights (batch: rows of the whole batch) as a scalar.
using Loss = std::function<at::Tensor(const at::Tensor& log_prob, const Rows& rows,
                                      const at::Tensor& weights, double batch)>;

Loss token_loss(const std::function<at::Tensor(const at::Tensor&, const Rows&)>& f) {
  return [f](const at::Tensor& log_prob, const Rows& rows, const at::Tensor& weights, double) {
    return weighted_sum(f(log_prob, rows), weights);
  };
}

at::Tensor tokens_of(const Rows& rows) {
  return rows.advantage.unsqueeze(1).expand(rows.mask.sizes()).contiguous();
}

const std::map<std::string, Loss> kLosses = {
    {"ppo", token_loss([](const at::Tensor& x, const Rows& r) {
       return ppo_loss(x, r.old, tokens_of(r), clip(0.2, 0.28));
     })},
    {"ppo dual clip", token_loss([](const at::Tensor& x, const Rows& r) {
       return ppo_loss(x, r.old, tokens_of(r), dual_clip(1.5));
     })},
    {"ppo max ratio", token_loss([](const at::Tensor& x, const Rows& r) {
       return ppo_loss(x, r.old, tokens_of(r), max_ratio(1.4));
     })},
    {"gspo", token_loss([](const at::Tensor& x, const Rows& r) {
       return gspo_loss(x, r.old, tokens_of(r), r.mask, clip(0.1, 0.2));
     })},
    {"gspo token", token_loss([](const at::Tensor& x, const Rows& r) {
       return gspo_loss(x, r.old, tokens_of(r), r.mask, clip(0.1, 0.2), GspoGradient::kToken);
     })},
    {"cispo", token_loss([](const at::Tensor& x, const Rows& r) {
       return cispo_loss(x, r.old, tokens_of(r), 1.5);
     })},
    {"sequence ratio",
     [](const at::Tensor& x, const Rows& r, const at::Tensor&, double batch) {
       return sequence_ratio_loss(x, r.old, r.advantage, r.mask, clip(0.2, 0.3)).sum() / batch;
     }},
};

struct ValueAndGradient {
  double value;
  at::Tensor gradient;
};

ValueAndGradient evaluate(const Loss& loss, const Rows& rows, const at::Tensor& weights,
                          int64_t batch = 5) {
  auto log_prob = rows.log_prob.clone().requires_grad_(true);
  const auto value = loss(log_prob, rows, weights, static_cast<double>(batch));
  value.backward();
  return {value.item<double>(), log_prob.grad()};
}

constexpr auto kMeanOfMeans = Aggregation::kSequenceMeanTokenMean;

}  // namespace

TEST_CASE("clipped ratio loss: by hand, for both signs of the advantage", "[rl]") {
  const auto log_rho = torch::tensor({2.0, 2.0, 0.5, 0.5, 1.1, 1.1}, torch::kFloat64).log();
  const auto advantage = torch::tensor({1.0, -1.0, 1.0, -1.0, 1.0, -1.0}, torch::kFloat64);
  const auto expect = [&](const RatioOptions& options, std::vector<double> values) {
    CHECK(close(clipped_ratio_loss(log_rho, advantage, options),
                torch::tensor(values, torch::kFloat64)));
  };
  // A > 0: -min(rho, 1.28); A < 0: max(rho, 0.8)
  expect(clip(0.2, 0.28), {-1.28, 2, -0.5, 0.8, -1.1, 1.1});
  expect(dual_clip(1.5), {-1.2, 1.5, -0.5, 0.8, -1.1, 1.1});
  expect(max_ratio(1.4), {-1.2, 1.4, -0.5, 0.8, -1.1, 1.1});
  auto both = max_ratio(1.4);
  both.dual_clip = 1.3;
  expect(both, {-1.2, 1.3, -0.5, 0.8, -1.1, 1.1});
  CHECK_THROWS_AS(clipped_ratio_loss(log_rho, advantage, dual_clip(0.9)), InternalError);
  CHECK_THROWS_AS(clipped_ratio_loss(log_rho, advantage, clip(-0.1, 0.2)), InternalError);
}

TEST_CASE("gspo, cispo and sequence ratio: by hand", "[rl]") {
  // log rho = (log 4, 0): sequence ratio exp(log 4 / 2) = 2, ratio of the whole sequence 4.
  const auto old = torch::tensor({{-2.0, -1.0, 5.0}}, torch::kFloat64);
  const auto log_prob = old + torch::tensor({{std::log(4.0), 0.0, 7.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0, 0.0}}, torch::kFloat64);
  const auto negative = torch::full({1, 3}, -1.0, torch::kFloat64);
  CHECK(close(gspo_loss(log_prob, old, negative, mask, RatioOptions()).narrow(1, 0, 2),
              torch::full({1, 2}, 2.0, torch::kFloat64)));
  CHECK(close(gspo_loss(log_prob, old, -negative, mask, RatioOptions()).narrow(1, 0, 2),
              torch::full({1, 2}, -1.2, torch::kFloat64)));
  CHECK(close(sequence_ratio_loss(log_prob, old, negative.select(1, 0), mask, RatioOptions()),
              torch::full({1}, 4.0, torch::kFloat64)));
  // -min(rho, 3) A log pi: log pi = -2 + log 4 with weight 3, -1 with weight 1
  CHECK(close(cispo_loss(log_prob, old, negative, 3).narrow(1, 0, 2),
              torch::tensor({{3 * (-2 + std::log(4.0)), -1.0}}, torch::kFloat64)));
}

TEST_CASE("losses of ratios: golden values and gradients", "[rl][parity]") {
  const test::Family family;
  const auto parity = [&](const std::string& name, const auto& loss) {
    test::check_loss_parity(family, name, [&](const at::Tensor& x, at::ScalarType type) {
      const auto weights = test::family_weights(family, name, type);
      return weighted_sum(loss(x, family.in("old_log_prob", type), type), weights);
    });
  };
  const auto ppo = [&](const RatioOptions& options) {
    return [&, options](const at::Tensor& x, const at::Tensor& old, at::ScalarType type) {
      return ppo_loss(x, old, family.row_advantage(type), options);
    };
  };
  const auto cispo = [&](double bound) {
    return [&, bound](const at::Tensor& x, const at::Tensor& old, at::ScalarType type) {
      return cispo_loss(x, old, family.row_advantage(type), bound);
    };
  };
  for (const char* how :
       {"token_mean", "sequence_mean_token_mean", "sequence_mean_token_sum", "fixed_normaliser"}) {
    const std::string aggregation = std::string("/") + how;
    parity("ppo_0.2" + aggregation, ppo(RatioOptions()));
    parity("reinforce" + aggregation,
           [&](const at::Tensor& x, const at::Tensor&, at::ScalarType type) {
             return reinforce_loss(x, family.row_advantage(type));
           });
  }
  for (const std::string aggregation : {"/token_mean", "/sequence_mean_token_mean"}) {
    parity("ppo_0.2_0.28" + aggregation, ppo(clip(0.2, 0.28)));
    parity("ppo_dual_1.5" + aggregation, ppo(dual_clip(1.5)));
    parity("ppo_max_ratio_1.4" + aggregation, ppo(max_ratio(1.4)));
    parity("cispo_5" + aggregation, cispo(5));
    parity("cispo_1.2" + aggregation, cispo(1.2));
    parity("gspo_0.05_0.1" + aggregation,
           [&](const at::Tensor& x, const at::Tensor& old, at::ScalarType type) {
             return gspo_loss(x, old, family.row_advantage(type), family.in("mask", type),
                              clip(0.05, 0.1));
           });
    parity("gspo_token_0.05_0.1" + aggregation,
           [&](const at::Tensor& x, const at::Tensor& old, at::ScalarType type) {
             return gspo_loss(x, old, family.in("token_advantage", type), family.in("mask", type),
                              clip(0.05, 0.1), GspoGradient::kToken);
           });
  }
  parity("ppo_0.2_masked_0.1_plus_0.04_k3/sequence_mean_token_mean",
         [&](const at::Tensor& x, const at::Tensor& old, at::ScalarType type) {
           const auto advantage = family.row_advantage(type);
           const auto keep =
               off_policy_mask(x, old, advantage.select(1, 0), family.in("mask", type), 0.1);
           return ppo_loss(x, old, advantage, RatioOptions()) * keep.unsqueeze(1) +
                  0.04 * kl_estimate(x, family.in("ref_log_prob", type), KlEstimator::kK3);
         });
  test::check_loss_parity(family, "sequence_ratio_0.2",
                          [&](const at::Tensor& x, at::ScalarType type) {
                            return sequence_ratio_loss(x, family.in("old_log_prob", type),
                                                       family.row_advantage(type).select(1, 0),
                                                       family.in("mask", type), RatioOptions())
                                .mean();
                          });
}

TEST_CASE("losses of ratios: the older golden agrees", "[rl][parity]") {
  const auto rl = test::golden("rl.json");
  const auto mask = tensor_of(rl["inputs"]["mask"]);
  const auto old = tensor_of(rl["inputs"]["old_log_prob"]);
  const auto advantage = tensor_of(rl["advantages"]["rloo"]).unsqueeze(1).expand_as(mask);
  const std::map<std::string, std::function<at::Tensor(const at::Tensor&)>> losses = {
      {"ppo_clip_0.2",
       [&](const at::Tensor& x) { return ppo_loss(x, old, advantage, RatioOptions()); }},
      {"clip_higher_0.2_0.28",
       [&](const at::Tensor& x) { return ppo_loss(x, old, advantage, clip(0.2, 0.28)); }},
      {"dual_clip_3",
       [&](const at::Tensor& x) { return ppo_loss(x, old, advantage, dual_clip(3)); }},
      {"cispo_5", [&](const at::Tensor& x) { return cispo_loss(x, old, advantage, 5); }},
      {"gspo_0.2",
       [&](const at::Tensor& x) { return gspo_loss(x, old, advantage, mask, RatioOptions()); }}};
  for (const auto& [name, loss] : losses)
    for (const char* how : {"token_mean", "sequence_mean_token_mean", "sequence_mean_token_sum"}) {
      INFO(name << "/" << how);
      auto x = tensor_of(rl["inputs"]["log_prob"]).requires_grad_(true);
      const std::string key = name + "/" + how;
      const auto value = weighted_sum(loss(x), token_weights(mask, test::aggregation_of(key)));
      value.backward();
      CHECK(close(value.item<double>(), rl["losses"][key]["loss"].get<double>()));
      CHECK(close(x.grad(), tensor_of(rl["losses"][key]["grad"])));
    }
}

TEST_CASE("losses of ratios: gradient against central differences through a softmax policy",
          "[rl]") {
  torch::manual_seed(11);
  const Rows rows;
  const auto weights = token_weights(rows.mask, Aggregation::kTokenMean);
  auto logits = torch::randn({5, 4, 3}, torch::kFloat64).requires_grad_(true);
  const auto actions = torch::randint(3, {5, 4, 1}, torch::kInt64);
  const auto policy = [&](const at::Tensor& x) {
    return torch::log_softmax(x, 2).gather(2, actions).squeeze(2);
  };
  auto shifted = rows;
  shifted.old = policy(logits.detach()) - 0.4 * torch::randn({5, 4}, torch::kFloat64);
  for (const auto& [name, loss] : kLosses) {
    // Stop-gradient losses are no function whose differences could be taken; other tests pin them.
    if (name == "cispo" || name == "gspo token") continue;
    INFO(name);
    const auto value = [&, loss = loss] { return loss(policy(logits), shifted, weights, 5); };
    logits.mutable_grad() = at::Tensor();
    value().backward();
    const auto numeric =
        test::numeric_gradient(logits.detach(), [&] { return value().item<double>(); });
    CHECK(close(logits.grad(), numeric, test::kToleranceGradient));
  }
}

TEST_CASE("cispo: its gradient is the bounded ratio times the advantage", "[rl]") {
  torch::manual_seed(12);
  const Rows rows;
  auto x = rows.log_prob.clone().requires_grad_(true);
  cispo_loss(x, rows.old, rows.tokens(), 1.5).sum().backward();
  CHECK(close(x.grad(), -(rows.log_prob - rows.old).exp().clamp_max(1.5) * rows.tokens()));
}

TEST_CASE("gspo: both gradient forms agree for one advantage a sequence under means of means",
          "[rl]") {
  torch::manual_seed(13);
  const Rows rows;
  const auto weights = token_weights(rows.mask, kMeanOfMeans);
  const auto sequence = evaluate(kLosses.at("gspo"), rows, weights);
  const auto token = evaluate(kLosses.at("gspo token"), rows, weights);
  CHECK(close(sequence.value, token.value));
  CHECK(close(sequence.gradient, token.gradient));
  CHECK(sequence.gradient.abs().max().item<double>() > 0.01);
}

TEST_CASE("losses of ratios: at ratio 1 the gradient is REINFORCE's", "[rl]") {
  torch::manual_seed(14);
  Rows rows;
  rows.old = rows.log_prob.clone();
  const Loss reinforce = token_loss(
      [](const at::Tensor& x, const Rows& r) { return reinforce_loss(x, tokens_of(r)); });
  for (const auto& [name, loss] : kLosses) {
    INFO(name);
    // The sequence ratio sums over tokens; its weights are 1 / batch.
    const auto how = name == "sequence ratio" ? Aggregation::kSequenceMeanTokenSum : kMeanOfMeans;
    const auto weights = token_weights(rows.mask, how);
    CHECK(
        close(evaluate(loss, rows, weights).gradient, evaluate(reinforce, rows, weights).gradient));
  }
}

TEST_CASE("losses of ratios: padding, order and any split of the batch change nothing", "[rl]") {
  torch::manual_seed(15);
  const Rows rows;
  const auto weights = token_weights(rows.mask, kMeanOfMeans);
  const auto pad = [](const at::Tensor& t) { return torch::constant_pad_nd(t, {0, 2}, 0); };
  const auto order = torch::tensor({3, 0, 4, 2, 1}, torch::kInt64);
  for (const auto& [name, loss] : kLosses) {
    INFO(name);
    const auto whole = evaluate(loss, rows, weights);
    // Padding that holds numbers, wider than the longest row.
    auto wide = rows.map(pad);
    wide.log_prob = torch::where(wide.mask == 0, torch::full_like(wide.mask, -3.5), wide.log_prob);
    wide.old = torch::where(wide.mask == 0, torch::full_like(wide.mask, 9.0), wide.old);
    const auto padded = evaluate(loss, wide, pad(weights));
    CHECK(close(padded.value, whole.value));
    CHECK(close(padded.gradient, pad(whole.gradient)));
    // Another order.
    auto shuffled = rows.map([&](const at::Tensor& t) { return t.index_select(0, order); });
    shuffled.advantage = rows.advantage.index_select(0, order);
    const auto other = evaluate(loss, shuffled, weights.index_select(0, order));
    CHECK(close(other.value, whole.value));
    CHECK(close(other.gradient, whole.gradient.index_select(0, order)));
    // Micro-batches.
    for (const int64_t cut : {1, 2, 4}) {
      double value = 0;
      std::vector<at::Tensor> gradients;
      for (const auto& [begin, count] : {std::pair{int64_t{0}, cut}, std::pair{cut, 5 - cut}}) {
        const auto take = [begin = begin, count = count](const at::Tensor& t) {
          return t.narrow(0, begin, count);
        };
        auto part = rows.map(take);
        part.advantage = take(rows.advantage);
        const auto result = evaluate(loss, part, take(weights));
        value += result.value;
        gradients.push_back(result.gradient);
      }
      CHECK(close(value, whole.value));
      CHECK(close(torch::cat(gradients), whole.gradient));
    }
  }
}

TEST_CASE(
    "losses of ratios: advantage and old log-probabilities are detached, no advantage no "
    "gradient",
    "[rl]") {
  torch::manual_seed(16);
  Rows rows;
  rows.old.requires_grad_(true);
  rows.advantage.requires_grad_(true);
  const auto weights = token_weights(rows.mask, kMeanOfMeans);
  for (const auto& [name, loss] : kLosses) {
    INFO(name);
    evaluate(loss, rows, weights);
    CHECK(!rows.old.grad().defined());
    CHECK(!rows.advantage.grad().defined());
    auto flat = rows;
    flat.advantage = torch::zeros({5}, torch::kFloat64);
    CHECK(evaluate(loss, flat, weights).gradient.abs().max().item<double>() == 0);
  }
}

TEST_CASE("losses of ratios: a ratio beyond all numbers stays finite and has no gradient", "[rl]") {
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const auto options = torch::TensorOptions().dtype(type);
    const auto mask = torch::ones({2, 2}, options);
    const auto old = torch::tensor({{-1000.0, -500.0}, {0.0, 0.0}}, options);
    for (const double sign : {1.0, -1.0}) {
      const auto advantage = torch::full({2, 2}, sign, options);
      auto x = torch::tensor({{0.0, 0.0}, {-1000.0, -500.0}}, options).requires_grad_(true);
      const auto loss =
          ppo_loss(x, old, advantage, RatioOptions()).sum() +
          gspo_loss(x, old, advantage, mask, RatioOptions()).sum() +
          sequence_ratio_loss(x, old, advantage.select(1, 0), mask, RatioOptions()).sum();
      loss.backward();
      CHECK(std::isfinite(loss.item<double>()));
      CHECK(x.grad().abs().max().item<double>() == 0);
    }
  }
}

TEST_CASE("off-policy mask: by hand and golden", "[rl]") {
  // mean(old - log_prob): 0.5, 0.5, 0.2; only a negative advantage above the threshold is left out.
  const auto log_prob = torch::tensor({{-2.0, -1.0}, {-2.0, -1.0}, {-1.2, 9.0}}, torch::kFloat64);
  const auto old = torch::tensor({{-1.0, -1.0}, {-1.0, -1.0}, {-1.0, -9.0}}, torch::kFloat64);
  const auto mask = torch::tensor({{1.0, 1.0}, {1.0, 1.0}, {1.0, 0.0}}, torch::kFloat64);
  const auto advantage = torch::tensor({1.0, -1.0, -1.0}, torch::kFloat64);
  const auto expected = torch::tensor({1.0, 0.0, 1.0}, torch::kFloat64);
  CHECK(close(off_policy_mask(log_prob, old, advantage, mask, 0.3), expected));
  CHECK(close(off_policy_mask(log_prob, old, advantage, mask, 0.5), torch::ones_like(expected)));
  const test::Family family;
  for (const auto& item : family["off_policy_mask"].items())
    test::check_parity(
        "off-policy mask " + item.key(), tensor_of(item.value()), [&](at::ScalarType type) {
          return off_policy_mask(family.in("log_prob", type), family.in("old_log_prob", type),
                                 family.row_advantage(type).select(1, 0), family.in("mask", type),
                                 std::stod(item.key()));
        });
}
