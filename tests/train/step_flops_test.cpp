#include "train/step_flops.h"

#include "nn/flops.h"
#include "support/models.h"
#include "support/support.h"

using namespace pgtrain;

TEST_CASE("operations of a batch: a prompt once for its samples in a micro-batch", "[train]") {
  const auto options = test::tiny_options("llama", 11);
  const auto model = make_language_model(options);
  // Two samples of one prompt with another text between them.
  const Sequence a{{1, 2, 3, 4, 5}, 3}, b{{1, 2, 4, 4}, 3}, c{{1, 2, 3, 6}, 3};
  const double whole = sequence_flops(options, 3, 2).total();
  const double other = sequence_flops(options, 3, 1).total();
  const double further = sample_flops(options, 3, 1).total();
  CHECK(further < other);
  CHECK(log_prob_flops(*model, {&a, &b, &c}, 3) == Approx(whole + other + further));
  CHECK(log_prob_flops(*model, {&a, &b, &c}, 1) == Approx(whole + 2 * other));
  // One further token: its head, and nothing to read.
  CHECK(further == Approx(2.0 * 11 * static_cast<double>(options.hidden_size)));
  const auto read = [&](int64_t end, int64_t wanted) {
    return reading_flops(options, 0, end, wanted).total();
  };
  CHECK(value_flops(*model, {&a, &b, &c}, 3) == Approx(read(4, 2) + read(3, 1)));
}
