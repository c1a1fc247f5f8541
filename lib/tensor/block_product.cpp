#include "tensor/block_product.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "core/parallel.h"

namespace pgtrain {
namespace {

constexpr double kSmall = 1 << 22;     // multiplications of a product that stays whole
constexpr int64_t kMinBlock = 256;     // rows or columns of a block: packing it must pay
constexpr int64_t kMaxParts = 8;       // of either side
constexpr int64_t kAlignment = 16;     // of a block's first row or column
constexpr int64_t kSumColumns = 1024;  // of a block of column sums

struct Parts {
  int64_t count;
  int64_t size;  // of all but the last
};

// An even number of parts where there are several: two threads are the smallest team.
Parts cut(int64_t n, bool whole) {
  const int64_t wanted =
      whole || n < 2 * kMinBlock ? 1 : std::min(kMaxParts, 2 * (n / (2 * kMinBlock)));
  const int64_t size = ((n + wanted - 1) / wanted + kAlignment - 1) / kAlignment * kAlignment;
  return {(n + size - 1) / size, size};
}

enum class Start { kZero, kBias, kPresent };

void block(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
           Start start) {
  at::Tensor out = c;
  if (start == Start::kPresent)
    out.addmm_(a, b);
  else if (start == Start::kBias)
    at::addmm_out(out, bias, a, b);
  else
    at::mm_out(out, a, b);
}

void multiply(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
              Start start) {
  const int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  const bool whole =
      static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) < kSmall;
  const Parts rows = cut(m, whole), columns = cut(n, whole);
  const at::NoGradGuard no_gradient;
  if (rows.count * columns.count == 1) return block(c, a, b, bias, start);
  const bool inference = c10::InferenceMode::is_enabled();
  parallel_blocks(rows.count * columns.count, [&](int64_t i) {
    const c10::InferenceMode mode(inference);
    const at::NoGradGuard guard;
    const int64_t row = i % rows.count * rows.size, column = i / rows.count * columns.size;
    const int64_t height = std::min(rows.size, m - row), width = std::min(columns.size, n - column);
    block(c.narrow(0, row, height).narrow(1, column, width), a.narrow(0, row, height),
          b.narrow(1, column, width), start == Start::kBias ? bias.narrow(0, column, width) : bias,
          start);
  });
}

}  // namespace

void product_out(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  multiply(c, a, b, {}, Start::kZero);
}

void product_out(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b,
                 const at::Tensor& bias) {
  const bool has_bias = bias.defined() && bias.numel() > 0;
  multiply(c, a, b, bias, has_bias ? Start::kBias : Start::kZero);
}

void product_add(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  multiply(c, a, b, {}, Start::kPresent);
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor c = at::empty({a.size(0), b.size(1)}, a.options().requires_grad(false));
  product_out(c, a, b);
  return c;
}

void add_column_sums(const at::Tensor& sums, const at::Tensor& x) {
  const bool inference = c10::InferenceMode::is_enabled();
  parallel_ranges(x.size(1), kSumColumns, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode mode(inference);
    const at::NoGradGuard guard;
    sums.narrow(0, begin, end - begin).add_(x.narrow(1, begin, end - begin).sum(0));
  });
}

}  // namespace pgtrain
