// The products of few rows, of every variant that this processor runs: against sums in a longer
// type, and bit for bit against calls for one row and one output.
#include "tensor/row_product.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "support/support.h"

// Variants that row_product_kernels of another processor would choose.
namespace pgtrain {
namespace portable {
extern const RowProductKernels<float> row_product_float_kernels;
extern const RowProductKernels<double> row_product_double_kernels;
}  // namespace portable
#if defined(__x86_64__)
namespace avx2 {
extern const RowProductKernels<float> row_product_float_kernels;
extern const RowProductKernels<double> row_product_double_kernels;
}  // namespace avx2
#endif
}  // namespace pgtrain

using namespace pgtrain;

namespace {

template <class T>
using Kernel = void (*)(const RowProduct<T>&);

enum class Layout { kOutputMajor, kInputMajor };

template <class T>
std::vector<Kernel<T>> variants(Layout layout) {
  std::vector<const RowProductKernels<T>*> tables = {&row_product_kernels<T>()};
  if constexpr (std::is_same_v<T, float>)
    tables.push_back(&portable::row_product_float_kernels);
  else
    tables.push_back(&portable::row_product_double_kernels);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    if constexpr (std::is_same_v<T, float>)
      tables.push_back(&avx2::row_product_float_kernels);
    else
      tables.push_back(&avx2::row_product_double_kernels);
  }
#endif
  std::vector<Kernel<T>> result;
  for (const auto* table : tables)
    result.push_back(layout == Layout::kOutputMajor ? table->output_major : table->input_major);
  return result;
}

// Rows of random values, each followed by `gap` values that nobody may use.
template <class T>
struct Matrix {
  Matrix(int64_t rows_, int64_t columns_, int64_t gap, uint32_t seed)
      : rows(rows_), columns(columns_), stride(columns_ + gap) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    values.assign(static_cast<size_t>(rows * stride), std::numeric_limits<T>::quiet_NaN());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) at(r, c) = static_cast<T>(normal(random));
  }
  T& at(int64_t r, int64_t c) { return values[static_cast<size_t>(r * stride + c)]; }
  const T& at(int64_t r, int64_t c) const { return values[static_cast<size_t>(r * stride + c)]; }

  int64_t rows, columns, stride;
  std::vector<T> values;
};

template <class T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
struct Case {
  Case(Layout layout_, int64_t rows, int64_t inputs_, int64_t outputs, int64_t gap = 0)
      : layout(layout_),
        inputs(inputs_),
        x(rows, inputs_, gap, 1),
        w(layout_ == Layout::kOutputMajor ? Matrix<T>(outputs, inputs_, 2 * gap, 2)
                                          : Matrix<T>(inputs_, outputs, 2 * gap, 2)),
        bias(1, outputs, 0, 3),
        y(rows, outputs, 3 * gap, 4) {}

  const T& weight(int64_t i, int64_t o) const {
    return layout == Layout::kOutputMajor ? w.at(o, i) : w.at(i, o);
  }
  // The product of some rows and some outputs into `to`, which has the shape of y.
  RowProduct<T> part(Matrix<T>& to, bool with_bias, bool accumulate, int64_t row, int64_t rows,
                     int64_t output, int64_t outputs) const {
    const bool empty = inputs == 0 || rows == 0 || outputs == 0;
    return {empty ? nullptr : &x.at(row, 0),
            rows,
            x.stride,
            empty ? nullptr : &weight(0, output),
            w.stride,
            inputs,
            outputs,
            with_bias ? &bias.at(0, output) : nullptr,
            &to.at(row, output),
            to.stride,
            accumulate};
  }
  RowProduct<T> whole(Matrix<T>& to, bool with_bias, bool accumulate) const {
    return part(to, with_bias, accumulate, 0, y.rows, 0, y.columns);
  }

  Layout layout;
  int64_t inputs;
  Matrix<T> x, w, bias, y;
};

// Against sums in long double; values between the rows of y stay as they were.
template <class T>
void check_values(const Case<T>& c, bool with_bias, bool accumulate) {
  for (const Kernel<T> kernel : variants<T>(c.layout)) {
    Matrix<T> y = c.y;
    kernel(c.whole(y, with_bias, accumulate));
    double worst = 0;
    bool untouched = true;
    for (int64_t r = 0; r < y.rows; ++r)
      for (int64_t o = 0; o < y.stride; ++o) {
        if (o >= y.columns) {
          untouched = untouched && same_bits(y.at(r, o), c.y.at(r, o));
          continue;
        }
        long double sum = accumulate ? c.y.at(r, o) : T(0);
        long double size = std::abs(sum) + 1;
        if (with_bias) sum += c.bias.at(0, o);
        for (int64_t i = 0; i < c.inputs; ++i) {
          const long double term =
              static_cast<long double>(c.x.at(r, i)) * static_cast<long double>(c.weight(i, o));
          sum += term;
          size += std::abs(term);
        }
        const double error = static_cast<double>(std::abs(y.at(r, o) - sum) / size);
        worst = std::max(worst, std::isnan(error) ? 1e9 : error);
      }
    CAPTURE(c.y.rows, c.inputs, c.y.columns, with_bias, accumulate);
    CHECK(worst <= 8 * static_cast<double>(std::numeric_limits<T>::epsilon()));
    CHECK(untouched);
  }
}

// Every value of y has the bits that a call for its row and its output alone gives.
template <class T>
Matrix<T> one_by_one(const Case<T>& c, Kernel<T> kernel, bool with_bias, bool accumulate) {
  Matrix<T> y = c.y;
  for (int64_t r = 0; r < y.rows; ++r)
    for (int64_t o = 0; o < y.columns; ++o) kernel(c.part(y, with_bias, accumulate, r, 1, o, 1));
  return y;
}

template <class T>
int64_t differing(const Matrix<T>& a, const Matrix<T>& b, int64_t rows, int64_t columns) {
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < columns; ++o) count += !same_bits(a.at(r, o), b.at(r, o));
  return count;
}

template <class T>
void check_part(const Case<T>& c, Kernel<T> kernel, const Matrix<T>& singles, int64_t rows,
                int64_t outputs) {
  Matrix<T> y = c.y;
  kernel(c.part(y, true, false, 0, rows, 0, outputs));
  const int64_t wrong = differing(y, singles, rows, outputs);
  if (wrong == 0) return;
  CAPTURE(rows, c.inputs, outputs);
  CHECK(wrong == 0);
}

// All numbers of rows beside 40 outputs, all numbers of outputs beside some numbers of rows.
template <class T>
void check_bits_of_small_sizes(Layout layout) {
  for (int64_t inputs = 1; inputs <= 70; inputs += 2) {
    const Case<T> c(layout, 40, inputs, 40, inputs % 3);
    for (const Kernel<T> kernel : variants<T>(layout)) {
      const Matrix<T> singles = one_by_one(c, kernel, true, false);
      for (int64_t rows = 1; rows <= 40; ++rows) check_part(c, kernel, singles, rows, 40);
      for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 13, 40})
        for (int64_t outputs = 1; outputs < 40; ++outputs)
          check_part(c, kernel, singles, rows, outputs);
    }
  }
}

// Sizes of several segments, panels and tiles, cut into odd blocks of rows and outputs.
template <class T>
void check_bits_of_blocks(Layout layout, int64_t inputs, bool with_bias, bool accumulate) {
  const Case<T> c(layout, 19, inputs, 149, 1);
  for (const Kernel<T> kernel : variants<T>(layout)) {
    const Matrix<T> singles = one_by_one(c, kernel, with_bias, accumulate);
    Matrix<T> whole = c.y;
    kernel(c.whole(whole, with_bias, accumulate));
    CAPTURE(inputs, with_bias, accumulate);
    CHECK(differing(whole, singles, 19, 149) == 0);
    Matrix<T> blocks = c.y;
    for (int64_t row = 0; row < 19; row += 7)
      for (int64_t output = 0; output < 149; output += 31)
        kernel(c.part(blocks, with_bias, accumulate, row, std::min<int64_t>(7, 19 - row), output,
                      std::min<int64_t>(31, 149 - output)));
    CHECK(differing(blocks, singles, 19, 149) == 0);
  }
}

template <class T>
void check_all_values(Layout layout) {
  for (const bool with_bias : {false, true})
    for (const bool accumulate : {false, true}) {
      for (int64_t rows = 1; rows <= 64; ++rows)
        check_values(Case<T>(layout, rows, 37, 23, rows % 2), with_bias, accumulate);
      for (const int64_t inputs : {1, 2, 15, 16, 64, 100, 129, 576, 767, 769, 1600})
        for (const int64_t outputs : {1, 3, 4, 17, 64, 131})
          check_values(Case<T>(layout, inputs % 9 + 1, inputs, outputs, 3), with_bias, accumulate);
    }
}

}  // namespace

TEST_CASE("row products are the sums they should be", "[row_product]") {
  for (const Layout layout : {Layout::kOutputMajor, Layout::kInputMajor}) {
    check_all_values<float>(layout);
    check_all_values<double>(layout);
  }
}

TEST_CASE("a row product by hand", "[row_product]") {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6}, bias = {10, 20};
  const std::vector<float> by_output = {1, 0, -1, 2, 1, 0}, by_input = {1, 2, 0, 1, -1, 0};
  std::vector<float> y(4, 100);
  for (const auto kernel : variants<float>(Layout::kOutputMajor)) {
    kernel({x.data(), 2, 3, by_output.data(), 3, 3, 2, bias.data(), y.data(), 2, false});
    CHECK(y == std::vector<float>{8, 24, 8, 33});
  }
  for (const auto kernel : variants<float>(Layout::kInputMajor)) {
    y.assign(4, 100);
    kernel({x.data(), 2, 3, by_input.data(), 2, 3, 2, nullptr, y.data(), 2, true});
    CHECK(y == std::vector<float>{98, 104, 98, 113});
  }
}

TEST_CASE("row products of nothing", "[row_product]") {
  for (const Layout layout : {Layout::kOutputMajor, Layout::kInputMajor}) {
    const Case<float> no_inputs(layout, 9, 0, 11, 1);
    check_values(no_inputs, true, false);
    check_values(no_inputs, false, false);
    check_values(no_inputs, true, true);
    const Case<float> c(layout, 3, 4, 5);
    for (const auto kernel : variants<float>(layout)) {
      Matrix<float> y = c.y;
      kernel(c.part(y, true, false, 0, 0, 0, 5));
      kernel(c.part(y, true, false, 0, 3, 0, 0));
      CHECK(differing(y, c.y, 3, 5) == 0);
    }
  }
}

TEST_CASE("the bits of a row product depend on its row and its output only", "[row_product]") {
  for (const Layout layout : {Layout::kOutputMajor, Layout::kInputMajor}) {
    check_bits_of_small_sizes<float>(layout);
    check_bits_of_small_sizes<double>(layout);
    for (const int64_t inputs : {64, 127, 129, 500, 769, 1601}) {
      check_bits_of_blocks<float>(layout, inputs, true, true);
      check_bits_of_blocks<float>(layout, inputs, false, false);
      check_bits_of_blocks<double>(layout, inputs, true, true);
    }
  }
}

TEST_CASE("infinities and NaN of one row stay in it", "[row_product]") {
  for (const Layout layout : {Layout::kOutputMajor, Layout::kInputMajor}) {
    Case<float> c(layout, 5, 21, 13);
    c.x.at(1, 20) = std::numeric_limits<float>::infinity();
    c.x.at(3, 0) = std::numeric_limits<float>::quiet_NaN();
    for (const auto kernel : variants<float>(layout)) {
      Matrix<float> y = c.y;
      kernel(c.whole(y, true, false));
      for (int64_t o = 0; o < 13; ++o) {
        CHECK(std::isinf(y.at(1, o)));
        CHECK(std::isnan(y.at(3, o)));
        for (const int64_t r : {0, 2, 4}) CHECK(std::isfinite(y.at(r, o)));
      }
    }
  }
}

TEST_CASE("which products are left to the BLAS library", "[row_product]") {
  for (const int64_t size : {64, 576, 768, 1024, 3072})
    for (const auto prefers : {prefers_row_product, prefers_row_product_input_major}) {
      CHECK(prefers(1, size, size));
      CHECK_FALSE(prefers(1000, size, size));
    }
}
