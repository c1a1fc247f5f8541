#include "core/rng.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace pgtrain {
namespace {

double to_unit(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
        static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// The seed and the purpose are mixed through the cipher itself, so that near seeds give unrelated
// keys.
Rng::Rng(uint64_t seed, Purpose purpose) {
  const auto mixed = philox4x32({static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                                 static_cast<uint32_t>(purpose), 0},
                                {0x70677472, 0x61696e21});
  key_ = {mixed[0], mixed[1]};
}

std::array<uint32_t, 4> Rng::block(uint64_t a, uint32_t b, uint32_t c) const {
  return philox4x32({static_cast<uint32_t>(a), static_cast<uint32_t>(a >> 32), b, c}, key_);
}

double Rng::uniform(uint64_t a, uint32_t b, uint32_t c) const {
  const auto words = block(a, b, c);
  return to_unit(words[0], words[1]);
}

double Rng::normal(uint64_t a, uint32_t b, uint32_t c) const {
  const auto words = block(a, b, c);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - to_unit(words[0], words[1])));
  return radius * std::cos(2.0 * 3.14159265358979323846 * to_unit(words[2], words[3]));
}

std::vector<int64_t> Rng::permutation(int64_t size, uint64_t stream) const {
  PG_CHECK(size >= 0 && size <= std::numeric_limits<uint32_t>::max(), "size is {}", size);
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = size - 1; i > 0; --i) {
    const double draw = uniform(stream, static_cast<uint32_t>(i), 0);
    std::swap(order[static_cast<size_t>(i)],
              order[static_cast<size_t>(draw * static_cast<double>(i + 1))]);
  }
  return order;
}

}  // namespace pgtrain
