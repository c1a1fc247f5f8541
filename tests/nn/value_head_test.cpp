#include "nn/value_head.h"

#include "support/tensors.h"

using namespace pgtrain;

TEST_CASE("value head: starts at 0, is linear, and never sends a gradient into the policy",
          "[nn]") {
  ValueHead head(3);
  auto hidden = torch::tensor({{1.0F, 2.0F, 3.0F}, {0.0F, 1.0F, 0.0F}}).requires_grad_(true);
  CHECK(head.values(hidden).abs().max().item<double>() == 0);
  *head.parameters()[0].tensor = torch::tensor({{1.0F, 0.5F, -1.0F}}).requires_grad_(true);
  *head.parameters()[1].tensor = torch::tensor({0.25F}).requires_grad_(true);
  const auto values = head.values(hidden);
  CHECK(test::close(values, torch::tensor({-0.75F, 0.75F}), test::kTolerance32));
  values.sum().backward();
  CHECK(!hidden.grad().defined());
  CHECK(test::close(head.parameters()[0].tensor->grad(), torch::tensor({{1.0F, 3.0F, 3.0F}}),
                    test::kTolerance32));
  CHECK(
      test::close(head.parameters()[1].tensor->grad(), torch::tensor({2.0F}), test::kTolerance32));
}
