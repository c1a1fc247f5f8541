#include "similarity/jaro.h"

#include "similarity/texts.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using test::close;
using Text = std::u32string;

// The definition, character by character: O(n m).
double naive(const Text& hypothesis, const Text& reference) {
  const auto n = static_cast<int64_t>(hypothesis.size());
  const auto m = static_cast<int64_t>(reference.size());
  if (n == 0 || m == 0) return n == m ? 1 : 0;
  const int64_t bound = std::max<int64_t>(0, std::max(n, m) / 2 - 1);
  std::vector<bool> taken(hypothesis.size());
  Text in_reference;
  for (int64_t j = 0; j < m; ++j)
    for (int64_t i = std::max<int64_t>(0, j - bound); i < std::min(n, j + bound + 1); ++i)
      if (!taken[size_t(i)] && hypothesis[size_t(i)] == reference[size_t(j)]) {
        taken[size_t(i)] = true;
        in_reference += reference[size_t(j)];
        break;
      }
  if (in_reference.empty()) return 0;
  int64_t different = 0;
  size_t k = 0;
  for (size_t i = 0; i < hypothesis.size(); ++i)
    if (taken[i]) different += hypothesis[i] != in_reference[k++];
  const auto common = static_cast<double>(in_reference.size());
  return (common / static_cast<double>(n) + common / static_cast<double>(m) +
          (common - static_cast<double>(different / 2)) / common) /
         3;
}

TEST_CASE("jaro: Winkler's examples", "[similarity]") {
  // Six in common, T and H swapped: one transposition. (1 + 1 + 5/6) / 3; prefix 3.
  CHECK(close(jaro_similarity(U"MARTHA", U"MARHTA"), 17.0 / 18));
  CHECK(close(jaro_winkler_similarity(U"MARTHA", U"MARHTA"), 17.0 / 18 + 0.3 / 18));
  // D, I, O, N in common: (4/5 + 4/8 + 1) / 3; prefix 2.
  CHECK(close(jaro_similarity(U"DIXON", U"DICKSONX"), 23.0 / 30));
  CHECK(close(jaro_winkler_similarity(U"DIXON", U"DICKSONX"), 23.0 / 30 + 0.2 * 7 / 30));
  // D, U, A, N, E, of which E has no partner: (4/6 + 4/5 + 1) / 3.
  CHECK(close(jaro_similarity(U"DWAYNE", U"DUANE"), 37.0 / 45));
}

TEST_CASE("jaro: ends of the range", "[similarity]") {
  CHECK(jaro_similarity(U"", U"") == 1.0);
  CHECK(jaro_similarity(U"a", U"") == 0.0);
  CHECK(jaro_similarity(U"", U"a") == 0.0);
  CHECK(jaro_similarity(U"a", U"a") == 1.0);
  CHECK(jaro_similarity(U"ab", U"ba") == 0.0);  // the bound is 0 places
  CHECK(jaro_similarity(U"abc", U"xyz") == 0.0);
  // 0.7 itself gets no bonus for the prefix; more than four letters of it do not count.
  CHECK(jaro_winkler_similarity(U"ab", U"axyz") == jaro_similarity(U"ab", U"axyz"));
  CHECK(close(jaro_winkler_similarity(U"abcdefgh", U"abcdefgx"), 11.0 / 12 + 0.4 / 12));
}

TEST_CASE("jaro: equal to the definition on random texts", "[similarity]") {
  std::mt19937 random(23);
  for (int round = 0; round < 20000; ++round) {
    const size_t letters = 2 + random() % 6;
    const size_t longest = round % 10 == 0 ? 150 : 12;
    const Text a = test::random_text(random, random() % longest, letters, round % 2 == 0);
    const Text b = round % 3 == 0
                       ? test::edited(random, a)
                       : test::random_text(random, random() % longest, letters, round % 2 == 0);
    const double jaro = jaro_similarity(a, b);
    const double winkler = jaro_winkler_similarity(a, b);
    if (jaro != naive(a, b) || winkler < jaro || winkler > 1 || jaro_similarity(a, a) != 1)
      FAIL(encode_utf8(a) << " / " << encode_utf8(b));
  }
}

}  // namespace
}  // namespace pgtrain
