#include "tensor/block_product.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "tensor/row_product.h"

namespace pgtrain {
namespace {

constexpr double kSmall = 1 << 22;     // multiplications of a product that stays whole
constexpr int64_t kMinBlock = 256;     // rows or columns of a block: packing it must pay
constexpr int64_t kMaxParts = 8;       // of either side
constexpr int64_t kAlignment = 16;     // of a block's first row or column
constexpr int64_t kRowOutputs = 128;   // of a block of few rows, at most
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

// An even number of equal blocks, of a multiple of 8 outputs.
int64_t outputs_per_block(int64_t outputs) {
  const int64_t blocks = 2 * ((outputs + 2 * kRowOutputs - 1) / (2 * kRowOutputs));
  return ((outputs + blocks - 1) / blocks + 7) / 8 * 8;
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

// Few rows: no packing of b, whose layout says which kernel reads it.
template <class T>
void few_rows(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
              Start start) {
  const bool output_major = b.stride(0) == 1 && b.size(1) != 1;
  RowProduct<T> whole{};
  whole.x = a.data_ptr<T>();
  whole.rows = a.size(0);
  whole.x_stride = a.stride(0);
  whole.inputs = a.size(1);
  whole.w_stride = b.stride(output_major ? 1 : 0);
  whole.y_stride = c.stride(0);
  whole.accumulate = start == Start::kPresent;
  const auto multiply =
      output_major ? row_product_kernels<T>().output_major : row_product_kernels<T>().input_major;
  const T* w = b.data_ptr<T>();
  T* y = c.data_ptr<T>();
  const T* added = start == Start::kBias ? bias.data_ptr<T>() : nullptr;
  parallel_ranges(b.size(1), outputs_per_block(b.size(1)), [&](int64_t begin, int64_t end) {
    RowProduct<T> part = whole;
    part.w = w + begin * (output_major ? whole.w_stride : 1);
    part.y = y + begin;
    part.bias = added == nullptr ? nullptr : added + begin;
    part.outputs = end - begin;
    multiply(part);
  });
}

bool is_for_rows(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  if (a.stride(1) != 1 || c.stride(1) != 1) return false;
  const int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  if (b.stride(0) == 1) return prefers_row_product(m, k, n);
  return b.stride(1) == 1 && prefers_row_product_input_major(m, k, n);
}

void multiply(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
              Start start) {
  const int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  PG_CHECK(b.size(0) == k && c.size(0) == m && c.size(1) == n,
           "a [{}, {}] times b [{}, {}] into [{}, {}]", m, k, b.size(0), n, c.size(0), c.size(1));
  PG_CHECK(start != Start::kBias || (bias.numel() == n && bias.is_contiguous()),
           "a bias of {} values for {} columns", bias.numel(), n);
  if (m == 0 || n == 0) return;
  if (is_for_rows(c, a, b)) {
    AT_DISPATCH_FLOATING_TYPES(c.scalar_type(), "few_rows",
                               [&] { few_rows<scalar_t>(c, a, b, bias, start); });
    return;
  }
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
