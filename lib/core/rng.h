// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). A draw is a pure function of its key and counter, so no
// draw depends on scheduling, batch composition, thread count or on how many draws came before.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace pgtrain {

// What a draw is for; part of the key, so that streams of different purposes never meet.
enum class Purpose : uint32_t {
  kInit = 1,
  kShuffle = 2,
  kSample = 3,
  kWarmup = 4,
  kUser = 5,
  kMiniBatch = 6,
  kDropout = 7,
  kNoise = 8,
  kSweep = 9
};

// Four 32-bit words of the Philox4x32-10 block cipher.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Rng {
 public:
  Rng(uint64_t seed, Purpose purpose);

  // Uniform in [0, 1), a multiple of 2^-53, for the counter (a, b, c): for a sample (step,
  // sequence, position).
  double uniform(uint64_t a, uint32_t b = 0, uint32_t c = 0) const;
  // Standard normal (Box-Muller on two words pairs of one block) for the counter (a, b, c).
  double normal(uint64_t a, uint32_t b = 0, uint32_t c = 0) const;
  // A permutation of 0..size-1 (Fisher-Yates), one for each `stream`; size below 2^32.
  std::vector<int64_t> permutation(int64_t size, uint64_t stream) const;

 private:
  std::array<uint32_t, 4> block(uint64_t a, uint32_t b, uint32_t c) const;
  std::array<uint32_t, 2> key_;
};

}  // namespace pgtrain
