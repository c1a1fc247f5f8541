#include "tensor/block_product.h"

#include <c10/core/InferenceMode.h>

#include "core/error.h"
#include "core/parallel.h"
#include "support/tensors.h"
#include "tensor/blas.h"

using namespace pgtrain;
using test::close;

namespace {

struct Sizes {
  int64_t m, k, n;
};

// Whole, and cut by rows, by columns and by both; with last parts of other sizes.
const std::vector<Sizes> kSizes = {{1, 1, 1},      {3, 5, 7},      {40, 600, 1000}, {1100, 300, 30},
                                   {530, 17, 777}, {1, 64, 70000}, {600, 70, 2111}};

}  // namespace

TEST_CASE("block products equal torch's, for every start and layout", "[tensor]") {
  torch::manual_seed(1);
  for (const auto& [m, k, n] : kSizes) {
    const auto a = torch::randn({m, k}, torch::kFloat64), b = torch::randn({k, n}, torch::kFloat64);
    const auto bias = torch::randn({n}, torch::kFloat64);
    const auto expected = torch::mm(a, b);
    CHECK(close(product(a, b), expected));
    CHECK(close(product(a.t().contiguous().t(), b), expected));
    CHECK(close(product(a, b.t().contiguous().t()), expected));
    const auto wide = torch::full({m, n + 3}, 7.0, torch::kFloat64);
    const auto c = wide.narrow(1, 2, n);
    product_out(c, a, b);
    CHECK(close(c, expected));
    product_add(c, a, b);
    CHECK(close(c, 2 * expected));
    product_out(c, a, b, bias);
    CHECK(close(c, expected + bias));
    product_out(c, a, b, torch::empty({0}, torch::kFloat64));
    CHECK(close(c, expected));
    CHECK(torch::equal(wide.narrow(1, 0, 2), torch::full({m, 2}, 7.0, torch::kFloat64)));
    CHECK(torch::equal(wide.narrow(1, n + 2, 1), torch::full({m, 1}, 7.0, torch::kFloat64)));
    const auto sums = torch::ones({n}, torch::kFloat64);
    add_column_sums(sums, expected);
    CHECK(close(sums, expected.sum(0) + 1));
  }
}

TEST_CASE("block products have the same bits on any team", "[tensor]") {
  prepare_blas();
  torch::manual_seed(2);
  for (const Sizes& sizes : kSizes) {
    const int64_t m = sizes.m, k = sizes.k, n = sizes.n;
    const auto a = torch::randn({m, k}), b = torch::randn({n, k}), bias = torch::randn({n});
    const auto run = [&] {
      auto c = torch::empty({m, n});
      product_out(c, a, b.t(), bias);
      product_add(c, a, b.t());
      auto sums = torch::zeros({n});
      add_column_sums(sums, c);
      return torch::cat({c.flatten(), sums});
    };
    const auto alone = run();
    for (const int threads : {1, 2, 3}) {
      WorkerPool pool(threads, use_one_thread);
      const TeamScope team(pool);
      CHECK(test::same_bits(run(), alone));
    }
  }
}

TEST_CASE("block products take parameters and inference tensors", "[tensor]") {
  WorkerPool pool(2, use_one_thread);
  const TeamScope team(pool);
  const auto weight = torch::randn({900, 300}).requires_grad_(true);
  const auto x = torch::randn({600, 300});
  const auto y = product(x, weight.t());
  CHECK(!y.requires_grad());
  const c10::InferenceMode guard;
  const auto inference = torch::empty({600, 900});
  product_out(inference, x, weight.t());
  product_add(inference, x, weight.t());
  CHECK(close(inference, 2 * y, test::kTolerance32));
}

TEST_CASE("block products: nothing in, nothing out; sizes that do not fit are refused",
          "[tensor]") {
  for (const Sizes& s : {Sizes{0, 3, 5}, Sizes{4, 3, 0}, Sizes{4, 0, 5}}) {
    const auto c = product(torch::ones({s.m, s.k}), torch::ones({s.k, s.n}));
    CHECK(torch::equal(c, torch::zeros({s.m, s.n})));
  }
  const auto a = torch::ones({4, 200}), b = torch::ones({200, 300});
  CHECK_THROWS_AS(product(a, torch::ones({150, 300})), InternalError);
  CHECK_THROWS_AS(product_out(torch::ones({4, 299}), a, b), InternalError);
  CHECK_THROWS_AS(product_out(torch::ones({3, 300}), a, b), InternalError);
  CHECK_THROWS_AS(product_out(torch::ones({4, 300}), a, b, torch::ones({299})), InternalError);
  CHECK_THROWS_AS(
      product_out(torch::ones({4, 300}), a, b, torch::ones({600}).as_strided({300}, {2})),
      InternalError);
}
