// Operators of transformers against torch's own and against central differences, in float64.
#include "core/error.h"
#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

at::Tensor random(std::vector<int64_t> sizes) {
  return torch::randn(sizes, torch::kFloat64).requires_grad_(true);
}

// Compares the gradients of sum(w * f()) for fixed random w with central differences, for each
// input.
void check_gradients(const std::vector<at::Tensor>& inputs, const std::function<at::Tensor()>& f) {
  const at::Tensor weights = torch::randn(f().sizes(), torch::kFloat64);
  const auto loss = [&] { return (f() * weights).sum(); };
  for (const at::Tensor& input : inputs) input.mutable_grad() = at::Tensor();
  loss().backward();
  for (size_t i = 0; i < inputs.size(); ++i) {
    INFO("input " << i);
    const at::Tensor numeric =
        test::numeric_gradient(inputs[i].detach(), [&] { return loss().item<double>(); });
    CHECK(close(inputs[i].grad(), numeric, test::kToleranceGradient));
  }
}

// Straight from the definition, one sequence, with torch's operators.
at::Tensor reference_attention(const HeadShape& shape, const at::Tensor& qkv, int64_t window) {
  const int64_t length = qkv.size(0);
  std::vector<at::Tensor> heads;
  for (int64_t head = 0; head < shape.query_heads; ++head) {
    const int64_t kv = head / shape.group();
    const auto q = qkv.narrow(1, head * shape.size, shape.size);
    const auto k = qkv.narrow(1, (shape.query_heads + kv) * shape.size, shape.size);
    const auto v = qkv.narrow(1, shape.rotated_columns() + kv * shape.size, shape.size);
    auto scores = at::mm(q, k.t()) / std::sqrt(static_cast<double>(shape.size));
    auto hidden = torch::ones({length, length}, torch::kBool).triu(1);
    if (window > 0)
      hidden = hidden.logical_or(torch::ones({length, length}, torch::kBool).tril(-window));
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
    heads.push_back(at::mm(torch::softmax(scores, 1), v));
  }
  return at::cat(heads, 1);
}

AttentionPlan plan_of(const HeadShape& shape, std::vector<RowGroup> groups, int64_t window) {
  AttentionPlan plan;
  plan.shape = shape;
  plan.groups = std::move(groups);
  plan.window = window;
  return plan;
}

}  // namespace

TEST_CASE("norm: RMSNorm and LayerNorm by hand, against torch, and their gradients", "[nn]") {
  // RMSNorm: mean square of (3, 4) is 12.5
  const auto hand = norm(torch::tensor({{3.0, 4.0}}, torch::kFloat64),
                         {torch::tensor({1.0, 2.0}, torch::kFloat64), {}}, 0);
  CHECK(close(hand, torch::tensor({{3 / std::sqrt(12.5), 8 / std::sqrt(12.5)}}, torch::kFloat64)));
  torch::manual_seed(1);
  for (const int64_t size : {1, 5, 16, 37}) {
    const auto x = random({3, size}), weight = random({size}), bias = random({size});
    check_gradients({x, weight}, [&] { return norm(x, {weight, {}}, 1e-3); });
    check_gradients({x, weight, bias}, [&] { return norm(x, {weight, bias}, 1e-3); });
    CHECK(close(norm(x, {weight, bias}, 1e-3), torch::layer_norm(x, {size}, weight, bias, 1e-3)));
    const auto root = (x.square().mean(1, true) + 1e-3).rsqrt();
    CHECK(close(norm(x, {weight, {}}, 1e-3), x * root * weight));
    const auto y = at::empty_like(x).detach();
    norm_out(x.detach(), {weight.detach(), bias.detach()}, 1e-3, y);
    CHECK(test::same_bits(y, norm(x, {weight, bias}, 1e-3)));
  }
}

TEST_CASE("activations: against torch, and their gradients", "[nn]") {
  torch::manual_seed(2);
  for (const int64_t size : {1, 7, 16, 33}) {
    const auto x = random({4, 2 * size});
    const auto gate = x.narrow(1, 0, size), up = x.narrow(1, size, size);
    CHECK(close(activate(Activation::kSwiGlu, x), torch::silu(gate) * up));
    CHECK(close(activate(Activation::kGeluTanh, x), at::gelu(x, "tanh")));
    CHECK(close(activate(Activation::kGeluErf, x), at::gelu(x)));
    for (const auto kind : {Activation::kSwiGlu, Activation::kGeluTanh, Activation::kGeluErf})
      check_gradients({x}, [&] { return activate(kind, x); });
    const auto single = x.detach().to(torch::kFloat32);
    CHECK(close(activate(Activation::kGeluErf, single), at::gelu(single), test::kTolerance32));
    CHECK(close(activate(Activation::kGeluTanh, single), at::gelu(single, "tanh"),
                test::kTolerance32));
  }
}

TEST_CASE("embedding: rows and the gradient of repeated ids", "[nn]") {
  torch::manual_seed(3);
  const auto table = random({5, 3});
  const auto ids = torch::tensor({4, 0, 4}, torch::kInt64);
  CHECK(close(embed(table, ids), table.index_select(0, ids)));
  check_gradients({table}, [&] { return embed(table, ids); });
}

TEST_CASE("linear: groups, residuals, biases, adapters and their gradients", "[nn]") {
  torch::manual_seed(4);
  const auto x = random({6, 5}), residual = random({6, 4});
  LinearGroup group;
  for (const int64_t outputs : {4, 2, 3}) {
    Linear part{"p", random({outputs, 5}), random({outputs}), {}, {}};
    if (outputs != 2) part.lora_a = random({2, 5}), part.lora_b = random({outputs, 2});
    group.parts.push_back(part);
  }
  const auto reference = [&](size_t i) {
    const Linear& part = group.parts[i];
    auto y = torch::linear(x, part.weight, part.bias);
    return part.lora_a.defined()
               ? y + 0.7 * torch::linear(torch::linear(x, part.lora_a), part.lora_b)
               : y;
  };
  CHECK(close(linear(x, group, 0.7, {}), at::cat({reference(0), reference(1), reference(2)}, 1)));
  std::vector<at::Tensor> inputs = {x};
  for (const Linear& part : group.parts)
    for (const at::Tensor& tensor : {part.weight, part.bias, part.lora_a, part.lora_b})
      if (tensor.defined()) inputs.push_back(tensor);
  check_gradients(inputs, [&] { return linear(x, group, 0.7, {}); });
  const AdapterDropout dropout{{11, 22, 33, 44, 55, 66}, 0.4};
  check_gradients(inputs, [&] { return linear(x, group, 0.7, dropout); });
  CHECK(!close(linear(x, group, 0.7, dropout), linear(x, group, 0.7, {})));
  CHECK(close(linear(x, fused(group, 0.7), 0, {}), linear(x, group, 0.7, {})));

  const LinearGroup single{{group.parts[0]}, false};
  CHECK(close(linear(x, single, 0.7, {}, residual), reference(0) + residual));
  check_gradients({x, residual, group.parts[0].weight, group.parts[0].bias},
                  [&] { return linear(x, single, 0.7, {}, residual); });

  LinearGroup turned = single;  // Conv1D of GPT-2
  turned.input_major = true;
  turned.parts[0].weight = group.parts[0].weight.detach().t().contiguous().requires_grad_(true);
  CHECK(close(linear(x, turned, 0.7, {}, residual), reference(0) + residual));
  CHECK(close(linear(x, fused(turned, 0.7), 0, {}, residual), reference(0) + residual));
  check_gradients({x, turned.parts[0].weight, turned.parts[0].bias, turned.parts[0].lora_a},
                  [&] { return linear(x, turned, 0.7, {}, residual); });
}

TEST_CASE("linear: weights side by side in memory give the same values and gradients", "[nn]") {
  torch::manual_seed(5);
  const auto x = random({4, 3});
  const auto whole = torch::randn({5, 3}, torch::kFloat64);
  const auto gradients = torch::zeros({5, 3}, torch::kFloat64);
  LinearGroup side_by_side, apart;
  for (const auto& [row, count] : std::vector<std::pair<int64_t, int64_t>>{{0, 2}, {2, 3}}) {
    const auto view = whole.narrow(0, row, count);
    apart.parts.push_back({"p", view.clone().requires_grad_(true), {}, {}, {}});
    auto leaf = view.detach().requires_grad_(true);
    leaf.mutable_grad() = gradients.narrow(0, row, count);
    side_by_side.parts.push_back({"p", leaf, {}, {}, {}});
  }
  const auto a = linear(x, side_by_side, 0, {}), b = linear(x, apart, 0, {});
  CHECK(close(a, b));
  const auto weights = torch::randn_like(a);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  CHECK(close(gradients, at::cat({apart.parts[0].weight.grad(), apart.parts[1].weight.grad()})));
  CHECK(fused(side_by_side, 0).parts[0].weight.is_alias_of(whole));
}

TEST_CASE("linear: dropout keeps the mean, and follows from the key of its row alone", "[nn]") {
  const auto x = torch::ones({1000, 50});
  LinearGroup group{{{"p", torch::zeros({1, 50}), {}, torch::eye(50), torch::ones({1, 50})}},
                    false};
  AdapterDropout dropout{{}, 0.25};
  for (int64_t i = 0; i < 1000; ++i) dropout.keys.push_back(i * 7919);
  const auto sums = linear(x, group, 1, dropout);  // number of kept elements / 0.75
  CHECK(std::abs(sums.mean().item<double>() - 50) < 0.5);
  CHECK(std::abs((sums * 0.75).var().item<double>() - 50 * 0.25 * 0.75) < 1.2);
  AdapterDropout alone{{dropout.keys[10]}, 0.25};
  CHECK(test::same_bits(linear(x.narrow(0, 0, 1), group, 1, alone)[0], sums[10]));
}

TEST_CASE("attention: the definition, with grouped heads, windows, long and cut sequences",
          "[nn]") {
  torch::manual_seed(6);
  for (const HeadShape shape : {HeadShape{4, 2, 6}, HeadShape{2, 2, 16}, HeadShape{3, 1, 2}})
    for (const int64_t window : {0, 1, 5, 40}) {
      const std::vector<int64_t> lengths = {1, 7, 71, 33};
      const std::vector<int64_t> first = {0, 3, 40, 33};
      const auto qkv = torch::randn({112, shape.columns()}, torch::kFloat64);
      std::vector<RowGroup> whole, cut;
      for (size_t i = 0; i < lengths.size(); ++i) {
        whole.push_back({lengths[i], {}, 0});
        cut.push_back({lengths[i], {}, first[i]});
      }
      const auto all = attention_forward(plan_of(shape, whole, window), qkv, {}).output;
      const auto some = attention_forward(plan_of(shape, cut, window), qkv, {}).output;
      int64_t start = 0, result = 0;
      for (size_t i = 0; i < lengths.size(); ++i) {
        const auto expected = reference_attention(shape, qkv.narrow(0, start, lengths[i]), window);
        CHECK(close(all.narrow(0, start, lengths[i]), expected));
        const int64_t count = lengths[i] - first[i];
        CHECK(close(some.narrow(0, result, count), expected.narrow(0, first[i], count)));
        start += lengths[i];
        result += count;
      }
      CHECK(result == some.size(0));
    }
}

TEST_CASE("attention: gradients, with rotation, head norms, windows and cut sequences", "[nn]") {
  torch::manual_seed(7);
  const auto norms = HeadNorms{random({4}), random({4})};
  const HeadShape shape{4, 2, 4};
  const auto qkv = random({11, shape.columns()});
  for (const int64_t window : {0, 2})
    for (const bool rotated : {false, true}) {
      auto plan = std::make_shared<AttentionPlan>(
          plan_of(shape, {{3, {}, 0}, {7, {}, 2}, {1, {}, 0}}, window));
      plan->norm_epsilon = 1e-2;
      if (rotated) plan->table = torch::randn({7, 4}, torch::kFloat64);
      check_gradients({qkv}, [&] { return causal_attention(plan, qkv, {}); });
      check_gradients({qkv, norms.query, norms.key},
                      [&] { return causal_attention(plan, qkv, norms); });
    }
  const HeadShape wide{2, 1, 2};
  const auto longer = random({40, wide.columns()});
  const auto plan = std::make_shared<AttentionPlan>(plan_of(wide, {{40, {}, 0}}, 0));
  check_gradients({longer}, [&] { return causal_attention(plan, longer, {}); });
}

TEST_CASE(
    "attention: texts with a common beginning get the values and gradients that each gets alone",
    "[nn]") {
  torch::manual_seed(8);
  const HeadNorms norms{random({4}), random({4})};
  const HeadShape shape{4, 2, 4};
  // Around the 32 queries of a block; branches without rows; a group without branches.
  const std::vector<RowGroup> groups = {
      {6, {3, 0, 40, 1}, 5}, {40, {2, 33}, 0}, {9, {}, 4}, {1, {0, 0}, 0}, {5, {0}, 5}};
  std::vector<RowGroup> alone;     // every text by itself
  std::vector<int64_t> text_rows;  // its rows among those of the groups
  int64_t start = 0;
  for (const RowGroup& group : groups) {
    int64_t branch_row = start + group.trunk;
    for (const int64_t branch : group.branches.empty() ? std::vector<int64_t>{0} : group.branches) {
      alone.push_back({group.trunk + branch, {}, group.first});
      for (int64_t t = 0; t < group.trunk; ++t) text_rows.push_back(start + t);
      for (int64_t t = 0; t < branch; ++t) text_rows.push_back(branch_row++);
    }
    start += group.rows();
  }
  const auto qkv = random({start, shape.columns()});
  const auto rows = at::tensor(text_rows, at::kLong);
  for (const int64_t window : {0, 1, 4, 36})
    for (const bool has_norms : {false, true}) {
      INFO("window " << window << " norms " << has_norms);
      const auto shared = std::make_shared<AttentionPlan>(plan_of(shape, groups, window));
      shared->norm_epsilon = 1e-2;
      shared->table = torch::randn({73, 4}, torch::kFloat64);
      const auto plain = std::make_shared<AttentionPlan>(*shared);
      plain->groups = alone;
      const HeadNorms used = has_norms ? norms : HeadNorms{};
      const auto together = causal_attention(shared, qkv, used)
                                .index_select(0, at::tensor(rows_of_texts(groups), at::kLong));
      const auto apart = causal_attention(plain, qkv.index_select(0, rows), used);
      CHECK(close(together, apart));
      const auto weights = torch::randn_like(apart);
      std::vector<at::Tensor> leaves = {qkv};
      if (has_norms) leaves.insert(leaves.end(), {norms.query, norms.key});
      const auto expected = torch::autograd::grad({(apart * weights).sum()}, leaves);
      const auto gradients = torch::autograd::grad({(together * weights).sum()}, leaves);
      for (size_t i = 0; i < leaves.size(); ++i) CHECK(close(gradients[i], expected[i]));
    }
}

TEST_CASE("attention: a common beginning by the definition, and its gradients", "[nn]") {
  torch::manual_seed(9);
  const HeadShape shape{4, 2, 4};
  const auto qkv = random({9, shape.columns()});
  for (const int64_t window : {0, 2}) {
    const auto plan = std::make_shared<AttentionPlan>(plan_of(shape, {{3, {2, 0, 4}, 2}}, window));
    const auto output = causal_attention(plan, qkv, {});
    const auto trunk = qkv.narrow(0, 0, 3);
    const auto first = reference_attention(shape, at::cat({trunk, qkv.narrow(0, 3, 2)}), window);
    const auto last = reference_attention(shape, at::cat({trunk, qkv.narrow(0, 5, 4)}), window);
    CHECK(close(output, at::cat({first.narrow(0, 2, 3), last.narrow(0, 3, 4)})));
    check_gradients({qkv}, [&] { return causal_attention(plan, qkv, {}); });
  }
}

TEST_CASE("row groups: rows, positions and results by hand", "[nn]") {
  const std::vector<RowGroup> groups = {{3, {2, 0, 1}, 2}, {2, {}, 1}};
  CHECK(row_count(groups) == 8);
  CHECK(result_count(groups) == 5);
  CHECK(longest_text(groups) == 5);
  std::vector<int64_t> rows, positions;
  for_each_row(groups, [&](int64_t row, int64_t position) {
    rows.push_back(row);
    positions.push_back(position);
  });
  CHECK(rows == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(positions == std::vector<int64_t>{0, 1, 2, 3, 4, 3, 0, 1});
  CHECK(wanted_rows(groups) == std::vector<int64_t>{2, 3, 4, 5, 7});
  CHECK(rows_of_texts(groups) == std::vector<int64_t>{0, 1, 2, 0, 0, 3, 4});
}

TEST_CASE("attention: wrong shapes are refused", "[nn]") {
  const HeadShape shape{2, 1, 2};
  const auto refused = [&](std::vector<RowGroup> groups, int64_t columns) {
    CHECK_THROWS_AS(
        attention_forward(plan_of(shape, std::move(groups), 0), torch::zeros({2, columns}), {}),
        InternalError);
  };
  refused({{3, {}, 0}}, 8);
  refused({{1, {2}, 0}}, 8);
  refused({}, 8);
  refused({{2, {}, 3}}, 8);
  refused({{0, {2}, 0}}, 8);
  refused({{2, {}, 0}}, 9);
}
