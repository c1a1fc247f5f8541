#include "core/rng.h"

#include <map>
#include <set>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Words = std::array<uint32_t, 4>;

TEST_CASE("philox4x32 gives the known answers", "[core]") {
  // The three lines "philox4x32 10" of tests/kat_vectors in Random123 1.14
  // (github.com/DEShawResearch/random123).
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a draw depends on seed, purpose and counter only", "[core]") {
  const Rng rng(7, Purpose::kSample);
  const double first = rng.uniform(1, 2, 3);
  static_cast<void>(rng.uniform(9));
  static_cast<void>(rng.normal(9));
  static_cast<void>(rng.permutation(10, 4));
  CHECK(rng.uniform(1, 2, 3) == first);
  CHECK(Rng(7, Purpose::kSample).uniform(1, 2, 3) == first);
}

TEST_CASE("every part of seed, purpose and counter changes the draw", "[core]") {
  const uint64_t high = uint64_t{1} << 32;
  const Rng rng(7, Purpose::kSample);
  const std::vector<double> draws = {rng.uniform(1, 2, 3),
                                     rng.uniform(2, 2, 3),
                                     rng.uniform(1 + high, 2, 3),
                                     rng.uniform(1, 3, 3),
                                     rng.uniform(1, 2, 4),
                                     rng.uniform(3, 2, 1),
                                     Rng(8, Purpose::kSample).uniform(1, 2, 3),
                                     Rng(7 + high, Purpose::kSample).uniform(1, 2, 3),
                                     Rng(7, Purpose::kInit).uniform(1, 2, 3),
                                     Rng(7, Purpose::kShuffle).uniform(1, 2, 3),
                                     Rng(7, Purpose::kWarmup).uniform(1, 2, 3),
                                     Rng(7, Purpose::kUser).uniform(1, 2, 3)};
  CHECK(std::set<double>(draws.begin(), draws.end()).size() == draws.size());
}

TEST_CASE("uniform draws lie in [0, 1), are multiples of 2^-53 and have the right moments",
          "[core]") {
  const Rng rng(1, Purpose::kUser);
  constexpr int kDraws = 200'000;
  double sum = 0;
  double squares = 0;
  std::array<int, 10> bins{};
  bool in_range = true;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = rng.uniform(static_cast<uint64_t>(i));
    const double scaled = draw * 0x1.0p53;
    in_range = in_range && draw >= 0 && draw < 1 && scaled == std::floor(scaled);
    sum += draw;
    squares += draw * draw;
    ++bins[static_cast<size_t>(draw * 10)];
  }
  CHECK(in_range);
  // Five standard deviations: of the mean sqrt(1/12/n) = 6.5e-4, of the mean square sqrt(4/45/n)
  // = 6.7e-4.
  CHECK(std::abs(sum / kDraws - 0.5) < 3.3e-3);
  CHECK(std::abs(squares / kDraws - 1.0 / 3) < 3.4e-3);
  double chi_square = 0;
  for (const int count : bins) chi_square += std::pow(count - kDraws / 10.0, 2) / (kDraws / 10.0);
  CHECK(chi_square < 40);  // 9 degrees of freedom: exceeded with probability 8e-6
}

TEST_CASE("neighbouring counters and seeds are not correlated", "[core]") {
  constexpr int kDraws = 100'000;
  double by_counter = 0;
  double by_position = 0;
  double by_seed = 0;
  const Rng rng(5, Purpose::kSample);
  const Rng next(6, Purpose::kSample);
  for (int i = 0; i < kDraws; ++i) {
    const auto a = static_cast<uint64_t>(i);
    const double draw = rng.uniform(a) - 0.5;
    by_counter += draw * (rng.uniform(a + 1) - 0.5);
    by_position += draw * (rng.uniform(a, 0, 1) - 0.5);
    by_seed += draw * (next.uniform(a) - 0.5);
  }
  // The correlation has a standard deviation of 1 / sqrt(n) = 3.2e-3.
  for (const double sum : {by_counter, by_position, by_seed})
    CHECK(std::abs(sum * 12 / kDraws) < 1.6e-2);
}

TEST_CASE("normal draws have the moments of the standard normal", "[core]") {
  const Rng rng(3, Purpose::kInit);
  constexpr int kDraws = 200'000;
  std::array<double, 5> moments{};
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = rng.normal(0, static_cast<uint32_t>(i));
    REQUIRE(std::isfinite(draw));
    double power = 1;
    for (double& moment : moments) {
      moment += power / kDraws;
      power *= draw;
    }
    if (std::abs(draw) > 2) ++beyond_two;
  }
  // Five standard deviations sqrt((m_2k - m_k^2) / n) of each, with m_2 = 1, m_4 = 3, m_6 = 15, m_8
  // = 105.
  CHECK(std::abs(moments[1]) < 5 * std::sqrt(1.0 / kDraws));
  CHECK(std::abs(moments[2] - 1) < 5 * std::sqrt(2.0 / kDraws));
  CHECK(std::abs(moments[3]) < 5 * std::sqrt(15.0 / kDraws));
  CHECK(std::abs(moments[4] - 3) < 5 * std::sqrt(96.0 / kDraws));
  CHECK(std::abs(beyond_two / static_cast<double>(kDraws) - 0.0455) < 2.4e-3);
}

TEST_CASE("a permutation holds every index once, for each stream another", "[core]") {
  const Rng rng(11, Purpose::kShuffle);
  CHECK(rng.permutation(0, 0).empty());
  CHECK(rng.permutation(1, 0) == std::vector<int64_t>{0});
  const auto order = rng.permutation(1000, 4);
  CHECK(order == rng.permutation(1000, 4));
  CHECK(order != rng.permutation(1000, 5));
  const std::set<int64_t> seen(order.begin(), order.end());
  CHECK(seen.size() == 1000);
  CHECK(*seen.begin() == 0);
  CHECK(*seen.rbegin() == 999);
  CHECK_THROWS_AS(rng.permutation(-1, 0), InternalError);
}

TEST_CASE("all permutations of four are equally likely", "[core]") {
  const Rng rng(2, Purpose::kShuffle);
  constexpr int kDraws = 24'000;
  std::map<std::vector<int64_t>, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[rng.permutation(4, static_cast<uint64_t>(i))];
  CHECK(counts.size() == 24);
  double chi_square = 0;
  for (const auto& item : counts)
    chi_square += std::pow(item.second - kDraws / 24.0, 2) / (kDraws / 24.0);
  CHECK(chi_square < 65);  // 23 degrees of freedom: exceeded with probability 7e-6
}

}  // namespace
}  // namespace pgtrain
