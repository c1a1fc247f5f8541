#include "tensor/linear_log_prob.h"

#include "core/error.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

struct Case {
  at::Tensor hidden, weight, bias, ids;
};

Case make_case(int64_t rows, int64_t size, int64_t vocabulary, at::ScalarType type) {
  torch::manual_seed(3);
  Case c;
  c.hidden = torch::randn({rows, size}, type);
  c.weight = torch::randn({vocabulary, size}, type);
  c.bias = torch::randn({vocabulary}, type);
  c.ids = torch::randint(vocabulary, {rows}, torch::kInt64);
  return c;
}

LogProbs reference(const Case& c, double scale) {
  const auto log_probs =
      torch::log_softmax(scale * (torch::mm(c.hidden, c.weight.t()) + c.bias), 1);
  return {log_probs.gather(1, c.ids.unsqueeze(1)).squeeze(1),
          -(log_probs.exp() * log_probs).sum(1)};
}

// Any loss of both results, with row weights of mixed sign.
at::Tensor loss_of(const LogProbs& result) {
  const auto w = torch::linspace(-1, 2, result.log_prob.size(0),
                                 result.log_prob.options().requires_grad(false));
  return (result.log_prob * w).sum() + (result.entropy * (0.3 - w)).sum();
}

}  // namespace

TEST_CASE("linear_log_prob: values and gradients equal autograd through log_softmax", "[tensor]") {
  for (const int64_t rows : {1, 7, 256, 300}) {
    for (const int64_t keep : {int64_t{0}, int64_t{1} << 30}) {
      Case ours = make_case(rows, 5, 37, torch::kFloat64);
      Case theirs = make_case(rows, 5, 37, torch::kFloat64);
      for (auto* c : {&ours, &theirs})
        for (auto* t : {&c->hidden, &c->weight, &c->bias}) t->requires_grad_(true);
      const auto result =
          linear_log_prob(ours.hidden, ours.weight, ours.bias, ours.ids, 1 / 0.7, {}, keep);
      const auto expected = reference(theirs, 1 / 0.7);
      CHECK(close(result.log_prob, expected.log_prob));
      CHECK(close(result.entropy, expected.entropy));
      loss_of(result).backward();
      loss_of(expected).backward();
      CHECK(close(ours.hidden.grad(), theirs.hidden.grad()));
      CHECK(close(ours.weight.grad(), theirs.weight.grad()));
      CHECK(close(ours.bias.grad(), theirs.bias.grad()));
    }
  }
}

TEST_CASE("linear_log_prob: gradient against central differences", "[tensor]") {
  Case c = make_case(4, 3, 6, torch::kFloat64);
  for (auto* t : {&c.hidden, &c.weight, &c.bias}) t->requires_grad_(true);
  const auto f = [&] {
    return loss_of(linear_log_prob(c.hidden, c.weight, c.bias, c.ids, 0.8)).item<double>();
  };
  loss_of(linear_log_prob(c.hidden, c.weight, c.bias, c.ids, 0.8)).backward();
  for (auto* t : {&c.hidden, &c.weight, &c.bias})
    CHECK(close(t->grad(), test::numeric_gradient(t->detach(), f), test::kToleranceGradient));
}

TEST_CASE("linear_log_prob: golden of temperature, log-probability, entropy and its gradient",
          "[tensor]") {
  const auto data = test::golden("rl.json")["logits"];
  const auto mask = test::tensor_of(test::golden("rl.json")["inputs"]["mask"]);
  std::vector<at::Tensor> rows;
  for (const auto& sequence : data["logits"]) rows.push_back(test::tensor_of(sequence));
  const auto all = torch::stack(rows);  // [batch, time, vocabulary]
  const int64_t vocabulary = all.size(2);
  auto hidden = all.view({-1, vocabulary}).clone().requires_grad_(true);
  const auto identity = torch::eye(vocabulary, torch::kFloat64);
  const auto ids = test::tensor_of(data["ids"]).to(torch::kInt64).view({-1});
  const auto result =
      linear_log_prob(hidden, identity, at::Tensor(), ids, 1 / data["temperature"].get<double>());
  const auto shape = mask.sizes();
  CHECK(close(result.log_prob.view(shape) * mask, test::tensor_of(data["log_prob"]) * mask));
  const auto mean_entropy = (result.entropy.view(shape) * mask).sum() / mask.sum();
  CHECK(close(mean_entropy.item<double>(), data["entropy"].get<double>()));
  mean_entropy.backward();
  std::vector<at::Tensor> gradients;
  for (const auto& sequence : data["entropy_grad"]) gradients.push_back(test::tensor_of(sequence));
  CHECK(close(hidden.grad().view(all.sizes()), torch::stack(gradients)));
}

TEST_CASE(
    "linear_log_prob: float32 is close, and keeping or recomputing the logits gives the same bits",
    "[tensor]") {
  Case wide = make_case(300, 64, 999, torch::kFloat64);
  Case kept, again;
  for (auto* c : {&kept, &again}) {
    *c = {wide.hidden.to(torch::kFloat32), wide.weight.to(torch::kFloat32),
          wide.bias.to(torch::kFloat32), wide.ids};
    for (auto* t : {&c->hidden, &c->weight, &c->bias}) t->requires_grad_(true);
  }
  const auto expected = reference(wide, 1.0);
  const auto a =
      linear_log_prob(kept.hidden, kept.weight, kept.bias, kept.ids, 1.0, {}, int64_t{1} << 30);
  const auto b = linear_log_prob(again.hidden, again.weight, again.bias, again.ids, 1.0, {}, 0);
  CHECK(close(a.log_prob, expected.log_prob, test::kTolerance32));
  CHECK(close(a.entropy, expected.entropy, test::kTolerance32));
  CHECK(test::same_bits(a.log_prob, b.log_prob));
  loss_of(a).backward();
  loss_of(b).backward();
  CHECK(test::same_bits(kept.weight.grad(), again.weight.grad()));
  CHECK(test::same_bits(kept.hidden.grad(), again.hidden.grad()));
}

namespace {

// Row 0 keeps all ids, row 1 some, row 2 one, row 3 most of them; each with the row's own id.
std::vector<IdSet> some_kept(const Case& c, int64_t vocabulary) {
  std::vector<IdSet> sets;
  for (int64_t row = 0; row < c.ids.size(0); ++row) {
    const auto chosen = static_cast<int32_t>(c.ids[row].item<int64_t>());
    std::vector<int32_t> ids = {chosen};
    for (int32_t id = 0; id < vocabulary; ++id)
      if (id != chosen && ((row % 4 == 1 && id % 3 == 0) || (row % 4 == 3 && id % 5 != 0)))
        ids.push_back(id);
    sets.push_back(row % 4 == 0 ? IdSet() : IdSet(ids, vocabulary));
  }
  return sets;
}

std::vector<const IdSet*> pointers(const std::vector<IdSet>& sets) {
  std::vector<const IdSet*> result;
  for (const IdSet& set : sets) result.push_back(&set);
  return result;
}

}  // namespace

TEST_CASE("linear_log_prob: kept ids by hand", "[tensor]") {
  // Logits log(1, 2, 3, 4), kept 1 and 3: p = 2/6 and 4/6.
  const auto hidden = torch::log(torch::tensor({{1.0, 2.0, 3.0, 4.0}}, torch::kFloat64));
  const IdSet set({3, 1}, 4);
  const auto result = linear_log_prob(hidden, torch::eye(4, torch::kFloat64), at::Tensor(),
                                      torch::tensor({3}, torch::kInt64), 1.0, {&set});
  CHECK(close(result.log_prob.item<double>(), std::log(2.0 / 3)));
  CHECK(close(result.entropy.item<double>(), -(std::log(1.0 / 3) / 3 + 2 * std::log(2.0 / 3) / 3)));
}

TEST_CASE("linear_log_prob: kept ids equal autograd through a masked log_softmax", "[tensor]") {
  const int64_t vocabulary = 67;
  for (const int64_t keep : {int64_t{0}, int64_t{1} << 30}) {
    Case ours = make_case(300, 5, vocabulary, torch::kFloat64);
    Case theirs = make_case(300, 5, vocabulary, torch::kFloat64);
    for (auto* c : {&ours, &theirs})
      for (auto* t : {&c->hidden, &c->weight, &c->bias}) t->requires_grad_(true);
    const auto sets = some_kept(ours, vocabulary);
    const auto result = linear_log_prob(ours.hidden, ours.weight, ours.bias, ours.ids, 1 / 0.7,
                                        pointers(sets), keep);
    auto left_out = torch::zeros({300, vocabulary}, torch::kFloat64);
    for (int64_t row = 0; row < 300; ++row)
      for (int64_t id = 0; id < vocabulary; ++id)
        if (!sets[static_cast<size_t>(row)].contains(id)) left_out[row][id] = -1e30;
    const auto log_probs = torch::log_softmax(
        (torch::mm(theirs.hidden, theirs.weight.t()) + theirs.bias) / 0.7 + left_out, 1);
    const LogProbs expected = {log_probs.gather(1, theirs.ids.unsqueeze(1)).squeeze(1),
                               -(log_probs.exp() * log_probs).sum(1)};
    CHECK(close(result.log_prob, expected.log_prob));
    CHECK(close(result.entropy, expected.entropy));
    loss_of(result).backward();
    loss_of(expected).backward();
    CHECK(close(ours.hidden.grad(), theirs.hidden.grad()));
    CHECK(close(ours.weight.grad(), theirs.weight.grad()));
    CHECK(close(ours.bias.grad(), theirs.bias.grad()));
  }
}

TEST_CASE("linear_log_prob: gradient over kept ids against central differences", "[tensor]") {
  Case c = make_case(8, 3, 9, torch::kFloat64);
  const auto sets = some_kept(c, 9);
  for (auto* t : {&c.hidden, &c.weight, &c.bias}) t->requires_grad_(true);
  const auto loss = [&] {
    return loss_of(linear_log_prob(c.hidden, c.weight, c.bias, c.ids, 0.8, pointers(sets)));
  };
  loss().backward();
  for (auto* t : {&c.hidden, &c.weight, &c.bias})
    CHECK(close(t->grad(),
                test::numeric_gradient(t->detach(), [&] { return loss().item<double>(); }),
                test::kToleranceGradient));
}

TEST_CASE("linear_log_prob: a chosen id outside its kept set is refused", "[tensor]") {
  Case c = make_case(1, 3, 9, torch::kFloat64);
  c.ids.fill_(2);
  const IdSet set({1, 3}, 9);
  CHECK_THROWS_AS(linear_log_prob(c.hidden, c.weight, c.bias, c.ids, 1, {&set}), InternalError);
}

TEST_CASE("linear_log_prob: gradients add to what the parameter has already", "[tensor]") {
  Case c = make_case(9, 4, 11, torch::kFloat64);
  Case fresh = make_case(9, 4, 11, torch::kFloat64);
  c.weight.requires_grad_(true);
  c.weight.mutable_grad() = torch::ones_like(c.weight);
  fresh.weight.requires_grad_(true);
  loss_of(linear_log_prob(c.hidden, c.weight, c.bias, c.ids, 1.0)).backward();
  loss_of(linear_log_prob(fresh.hidden, fresh.weight, fresh.bias, fresh.ids, 1.0)).backward();
  CHECK(close(c.weight.grad(), fresh.weight.grad() + 1));
}

TEST_CASE("linear_log_prob: wrong shapes and ids are refused", "[tensor]") {
  Case c = make_case(3, 4, 5, torch::kFloat64);
  CHECK_THROWS_AS(linear_log_prob(c.hidden, c.weight.t(), c.bias, c.ids, 1), InternalError);
  CHECK_THROWS_AS(linear_log_prob(c.hidden, c.weight, c.bias, c.ids + 5, 1), InternalError);
  CHECK_THROWS_AS(
      linear_log_prob(c.hidden, c.weight, c.bias, torch::full({3}, -1, torch::kInt64), 1),
      InternalError);
  CHECK_THROWS_AS(linear_log_prob(c.hidden, c.weight, c.bias.slice(0, 1), c.ids, 1), InternalError);
}
