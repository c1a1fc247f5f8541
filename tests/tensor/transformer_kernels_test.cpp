// The kernels that this processor uses against plain loops in double, at lengths around vector
// sizes.
#include "tensor/transformer_kernels.h"

#include "support/tensors.h"

// Variants that row_kernels of another processor would choose.
namespace pgtrain {
namespace portable {
extern const TransformerKernels<float> transformer_float_kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const TransformerKernels<float> transformer_float_kernels;
}
#endif
}  // namespace pgtrain

using namespace pgtrain;

namespace {

// All variants that this processor can run.
template <class T>
std::vector<const TransformerKernels<T>*> variants() {
  std::vector<const TransformerKernels<T>*> result = {&transformer_kernels<T>()};
  if constexpr (std::is_same_v<T, float>) {
    result.push_back(&portable::transformer_float_kernels);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      result.push_back(&avx2::transformer_float_kernels);
#endif
  }
  return result;
}

const std::vector<int64_t> kLengths = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100};

template <class T>
std::vector<T> random_row(int64_t n) {
  std::vector<T> row(static_cast<size_t>(n));
  for (T& value : row) value = static_cast<T>(torch::randn({1}).item<double>());
  return row;
}

template <class T>
double tolerance() {
  return std::is_same_v<T, float> ? test::kTolerance32 : test::kTolerance64;
}

template <class T>
void check_close(const std::vector<T>& actual, const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(actual[i]) - expected[i]) /
                                std::max(1.0, std::abs(expected[i])));
  CHECK(worst <= tolerance<T>());
}

template <class T>
void check_product(int64_t m, int64_t n, int64_t k, bool turned, bool accumulate) {
  const int64_t a_row = turned ? 1 : k + 2, a_column = turned ? m + 1 : 1;
  const auto a = random_row<T>((m + 1) * (k + 2)), b = random_row<T>(k * (n + 3));
  const auto start = random_row<T>(m * (n + 1));
  std::vector<double> expected(start.begin(), start.end());
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = accumulate ? expected[i * (n + 1) + j] : 0;
      for (int64_t l = 0; l < k; ++l)
        sum += static_cast<double>(a[i * a_row + l * a_column]) *
               static_cast<double>(b[l * (n + 3) + j]);
      expected[i * (n + 1) + j] = sum;
    }
  for (const auto* kernels : variants<T>()) {
    auto c = start;
    kernels->small_product(
        {a.data(), a_row, a_column, b.data(), n + 3, c.data(), n + 1, m, n, k, accumulate});
    check_close(c, expected);
  }
}

template <class T>
void check_paged_attention(int64_t size, int64_t heads, int64_t begin, int64_t end) {
  const int64_t pages = (end + kPagePositions - 1) / kPagePositions;
  const int64_t offset = 5, values = 2 * size * kPagePositions;
  std::vector<std::vector<T>> memory;
  std::vector<const T*> pointers;
  for (int64_t p = 0; p < pages; ++p) memory.push_back(random_row<T>(offset + values));
  for (const auto& page : memory) pointers.push_back(page.data());
  const auto query = random_row<T>(heads * size);
  std::vector<T> out(static_cast<size_t>(heads * size)),
      scores(static_cast<size_t>(heads * (end - begin + 2 * kPagePositions)));
  const double scale = 0.3;
  std::vector<double> expected(out.size(), 0.0);
  for (int64_t head = 0; head < heads; ++head) {
    std::vector<double> p;
    double total = 0;
    for (int64_t j = begin; j < end; ++j) {
      const T* page = pointers[j / kPagePositions] + offset;
      double score = 0;
      for (int64_t c = 0; c < size; ++c)
        score += static_cast<double>(query[head * size + c]) *
                 static_cast<double>(page[c * kPagePositions + j % kPagePositions]);
      p.push_back(std::exp(scale * score));
      total += p.back();
    }
    for (int64_t j = begin; j < end; ++j)
      for (int64_t c = 0; c < size; ++c)
        expected[head * size + c] +=
            p[j - begin] / total *
            static_cast<double>(pointers[j / kPagePositions][offset + size * kPagePositions +
                                                             j % kPagePositions * size + c]);
  }
  for (const auto* kernels : variants<T>()) {
    kernels->paged_attention({query.data(), heads, size, pointers.data(), offset, begin, end,
                              static_cast<T>(scale), scores.data(), out.data()});
    check_close(out, expected);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("small product: every size around the tiles, both layouts", "[tensor]", float,
                   double) {
  torch::manual_seed(1);
  for (const int64_t m : {1, 3, 4, 8, 9, 17})
    for (const int64_t n : kLengths)
      for (const int64_t k : {1, 5, 33}) {
        check_product<TestType>(m, n, k, false, n % 2 == 0);
        check_product<TestType>(m, n, k, true, n % 2 == 1);
      }
}

TEMPLATE_TEST_CASE("paged attention: the softmax over the pages, from any position", "[tensor]",
                   float, double) {
  torch::manual_seed(2);
  for (const int64_t size : {1, 2, 6, 8, 16, 24, 64, 80})
    for (const int64_t heads : {1, 3})
      for (const auto& [begin, end] : std::vector<std::pair<int64_t, int64_t>>{
               {0, 1}, {0, 15}, {0, 16}, {0, 17}, {5, 40}, {16, 33}, {31, 32}, {0, 100}})
        check_paged_attention<TestType>(size, heads, begin, end);
}

TEMPLATE_TEST_CASE("row loops of transformers agree with double arithmetic", "[tensor]", float,
                   double) {
  using T = TestType;
  torch::manual_seed(3);
  const auto& kernels = transformer_kernels<T>();
  for (const int64_t n : kLengths) {
    INFO(n);
    const auto x = random_row<T>(n), up = random_row<T>(n), dy = random_row<T>(n);
    std::vector<T> y(x.size());
    std::vector<double> expected(x.size());
    kernels.swiglu(x.data(), up.data(), y.data(), n);
    for (size_t i = 0; i < x.size(); ++i)
      expected[i] = static_cast<double>(x[i]) / (1 + std::exp(-static_cast<double>(x[i]))) *
                    static_cast<double>(up[i]);
    check_close(y, expected);
    auto p = x, dp = dy;
    kernels.softmax_gradient(p.data(), dp.data(), n, T(0.25), T(3));
    for (size_t i = 0; i < x.size(); ++i)
      expected[i] = 3 * static_cast<double>(x[i]) * (static_cast<double>(dy[i]) - 0.25);
    check_close(dp, expected);
    // In place as apart.
    auto same = x;
    kernels.gelu_tanh(x.data(), y.data(), n);
    kernels.gelu_tanh(same.data(), same.data(), n);
    CHECK(same == y);
  }
  for (const int64_t half : {1, 3, 4, 8, 20}) {
    auto x = random_row<T>(6 * half);
    const auto original = x;
    std::vector<T> cosine(static_cast<size_t>(half)), sine(static_cast<size_t>(half));
    for (int64_t i = 0; i < half; ++i) {
      cosine[i] = static_cast<T>(std::cos(0.3 * static_cast<double>(i + 1)));
      sine[i] = static_cast<T>(std::sin(0.3 * static_cast<double>(i + 1)));
    }
    kernels.rotate(x.data(), cosine.data(), sine.data(), 3, half, T(1));
    std::vector<double> expected(x.size());
    for (int64_t head = 0; head < 3; ++head)
      for (int64_t i = 0; i < half; ++i) {
        const size_t a = head * 2 * half + i, b = a + half;
        const double angle = 0.3 * static_cast<double>(i + 1);
        expected[a] = static_cast<double>(original[a]) * std::cos(angle) -
                      static_cast<double>(original[b]) * std::sin(angle);
        expected[b] = static_cast<double>(original[b]) * std::cos(angle) +
                      static_cast<double>(original[a]) * std::sin(angle);
      }
    check_close(x, expected);
    kernels.rotate(x.data(), cosine.data(), sine.data(), 3, half, T(-1));
    check_close(x, std::vector<double>(original.begin(), original.end()));
  }
}

TEST_CASE("dropout: extreme shares, and unrelated masks for neighbouring keys", "[tensor]") {
  const auto& kernels = transformer_kernels<float>();
  const std::vector<float> ones(4096, 1.0F);
  std::vector<float> a(ones.size()), b(ones.size());
  kernels.dropout(ones.data(), a.data(), 4096, 7, 0, 2.0F);
  CHECK(std::count(a.begin(), a.end(), 2.0F) == 4096);
  kernels.dropout(ones.data(), a.data(), 4096, 7, 0x80000000U, 1.0F);
  // Half of the elements agree between unrelated masks; 5 deviations are 160.
  for (const uint64_t key : {uint64_t{8}, uint64_t{6}, uint64_t{7} << 32, uint64_t{1} << 33}) {
    kernels.dropout(ones.data(), b.data(), 4096, key, 0x80000000U, 1.0F);
    int64_t agree = 0;
    for (size_t i = 0; i < a.size(); ++i) agree += a[i] == b[i];
    CHECK(std::abs(agree - 2048) < 160);
  }
  CHECK(std::abs(std::count(a.begin(), a.end(), 1.0F) - 2048) < 160);
}
