#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

TEST_CASE(
    "decode state: the hidden states of the training path, through prompts of unequal length, "
    "spreading and dropping rows",
    "[nn]") {
  for (const char* kind : {"gru", "lstm"})
    for (const int64_t layers : {1, 3}) {
      const auto model = test::tiny_model(test::tiny_options(kind, 11, layers));
      const std::vector<std::vector<int64_t>> prompts = {{1, 5, 3}, {2}, {1, 9, 9, 4, 0}};
      const auto state = model->decode_state();
      state->start(prompts);
      CHECK(state->hidden().size(0) == 3);
      state->select({0, 0, 1, 2, 2});
      state->step({7, 8, 1, 2, 3});
      state->select({4, 1, 2});
      state->step({6, 5, 10});
      const std::vector<std::vector<int64_t>> read = {
          {1, 9, 9, 4, 0, 3, 6}, {1, 5, 3, 8, 5}, {2, 1, 10}};
      for (size_t i = 0; i < read.size(); ++i) {
        Sequence sequence{read[i], static_cast<int64_t>(read[i].size())};
        sequence.tokens.push_back(0);  // whatever comes next: its predicting state is compared
        CHECK(close(state->hidden()[static_cast<int64_t>(i)], model->hidden({&sequence})[0],
                    test::kTolerance32));
      }
    }
}

TEST_CASE("decode state: it sees new weights after an update, and starts anew", "[nn]") {
  const auto model = test::tiny_model(test::tiny_options());
  const auto state = model->decode_state();
  state->start({{1, 2}});
  const auto before = state->hidden().clone();
  state->start({{1, 2}});
  CHECK(test::same_bits(state->hidden(), before));
  {
    const torch::NoGradGuard guard;
    model->parameters()[0].tensor->add_(0.1);
  }
  state->start({{1, 2}});
  CHECK(!test::same_bits(state->hidden(), before));
}

TEST_CASE("decode state: wrong calls are refused", "[nn]") {
  const auto model = test::tiny_model(test::tiny_options());
  const auto state = model->decode_state();
  CHECK_THROWS_AS(state->start({{1}, {}}), InternalError);
  CHECK_THROWS_AS(state->start({{1}, {11}}), InternalError);
  state->start({{1}});
  CHECK_THROWS_AS(state->step({1, 2}), InternalError);
}
