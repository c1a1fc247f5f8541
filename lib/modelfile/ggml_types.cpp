#include "modelfile/ggml_types.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace pgtrain {
namespace {

using Byte = unsigned char;

float half_at(const Byte* from) {
  uint16_t bits = 0;
  std::memcpy(&bits, from, 2);
  return c10::detail::fp16_ieee_to_fp32_value(bits);
}

uint32_t word_at(const Byte* from) {
  uint32_t bits = 0;
  std::memcpy(&bits, from, 4);
  return bits;
}

void f32_to_float(const Byte* from, uint64_t blocks, float* to) {
  std::memcpy(to, from, blocks * 4);
}

void f16_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t i = 0; i < blocks; ++i) to[i] = half_at(from + 2 * i);
}

void bf16_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t i = 0; i < blocks; ++i) {
    const uint32_t bits =
        static_cast<uint32_t>(from[2 * i]) << 16 | static_cast<uint32_t>(from[2 * i + 1]) << 24;
    std::memcpy(to + i, &bits, 4);
  }
}

void q8_0_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 34, to += 32) {
    const float d = half_at(from);
    for (int i = 0; i < 32; ++i) to[i] = static_cast<float>(static_cast<int8_t>(from[2 + i])) * d;
  }
}

void q4_0_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 18, to += 32) {
    const float d = half_at(from);
    for (int i = 0; i < 16; ++i) {
      to[i] = static_cast<float>((from[2 + i] & 15) - 8) * d;
      to[i + 16] = static_cast<float>((from[2 + i] >> 4) - 8) * d;
    }
  }
}

// A product rounded to float32 before the sum, also where the processor could fuse the two.
float scaled_plus(float scale, int q, float offset) {
  const float product = scale * static_cast<float>(q);
  return product + offset;
}

void q4_1_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 20, to += 32) {
    const float d = half_at(from);
    const float m = half_at(from + 2);
    for (int i = 0; i < 16; ++i) {
      to[i] = scaled_plus(d, from[4 + i] & 15, m);
      to[i + 16] = scaled_plus(d, from[4 + i] >> 4, m);
    }
  }
}

void q5_0_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 22, to += 32) {
    const float d = half_at(from);
    const uint32_t high = word_at(from + 2);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1) << 4;
      const int high_bit = static_cast<int>(high >> (i + 16) & 1) << 4;
      to[i] = static_cast<float>(((from[6 + i] & 15) | low_bit) - 16) * d;
      to[i + 16] = static_cast<float>(((from[6 + i] >> 4) | high_bit) - 16) * d;
    }
  }
}

void q5_1_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 24, to += 32) {
    const float d = half_at(from);
    const float m = half_at(from + 2);
    const uint32_t high = word_at(from + 4);
    for (int i = 0; i < 16; ++i) {
      const int low_bit = static_cast<int>(high >> i & 1) << 4;
      const int high_bit = static_cast<int>(high >> (i + 16) & 1) << 4;
      to[i] = scaled_plus(d, (from[8 + i] & 15) | low_bit, m);
      to[i + 16] = scaled_plus(d, (from[8 + i] >> 4) | high_bit, m);
    }
  }
}

// The 6-bit scale and minimum of group 0..7 in the 12 packed bytes of Q4_K and Q5_K: groups 0..3
// stand in the low 6 bits of bytes 0..3 and 4..7; groups 4..7 have their low 4 bits in bytes 8..11
// and their high 2 bits on top of the former.
void unpack_scale(const Byte* packed, int group, int& scale, int& minimum) {
  if (group < 4) {
    scale = packed[group] & 63;
    minimum = packed[group + 4] & 63;
  } else {
    scale = (packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4;
    minimum = packed[group + 4] >> 4 | (packed[group] >> 6) << 4;
  }
}

// d, dmin, scales; the 32 bytes of a pair of groups: low nibbles are the first, high the second.
void q4_k_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 144, to += 256) {
    const float d = half_at(from);
    const float d_minimum = half_at(from + 2);
    for (int group = 0; group < 8; ++group) {
      int scale = 0;
      int minimum = 0;
      unpack_scale(from + 4, group, scale, minimum);
      const float step = d * static_cast<float>(scale);
      const float offset = -(d_minimum * static_cast<float>(minimum));
      const Byte* quants = from + 16 + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i)
        to[32 * group + i] = scaled_plus(step, quants[i] >> shift & 15, offset);
    }
  }
}

// As Q4_K; bit `group` of high byte i is the fifth bit of value i.
void q5_k_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 176, to += 256) {
    const float d = half_at(from);
    const float d_minimum = half_at(from + 2);
    const Byte* high = from + 16;
    for (int group = 0; group < 8; ++group) {
      int scale = 0;
      int minimum = 0;
      unpack_scale(from + 4, group, scale, minimum);
      const float step = d * static_cast<float>(scale);
      const float offset = -(d_minimum * static_cast<float>(minimum));
      const Byte* quants = from + 48 + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        const int q = (quants[i] >> shift & 15) | (high[i] >> group & 1) << 4;
        to[32 * group + i] = scaled_plus(step, q, offset);
      }
    }
  }
}

// 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 int8 scales, d. Each half of the block
// (128 values) is 4 runs of 32: runs 0 and 1 take the low nibbles of its first and second 32 bytes,
// runs 2 and 3 the high ones; run r takes bits 2r, 2r+1 of the half's 32 upper bytes.
void q6_k_to_float(const Byte* from, uint64_t blocks, float* to) {
  for (uint64_t b = 0; b < blocks; ++b, from += 210, to += 256) {
    const float d = half_at(from + 208);
    for (int run = 0; run < 8; ++run) {
      const int half = run / 4;
      const int r = run % 4;
      const Byte* low = from + 64 * half + r % 2 * 32;
      const Byte* high = from + 128 + 32 * half;
      const Byte* scales = from + 192 + 2 * run;
      const std::array<float, 2> steps = {
          d * static_cast<float>(static_cast<int8_t>(scales[0])),
          d * static_cast<float>(static_cast<int8_t>(scales[1]))};
      const int low_shift = r / 2 * 4;
      const int high_shift = 2 * r;
      for (int i = 0; i < 32; ++i) {
        const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
        to[32 * run + i] = steps[static_cast<size_t>(i / 16)] * static_cast<float>(q - 32);
      }
    }
  }
}

constexpr std::array<GgmlType, 11> kTypes = {{
    {0, "F32", 1, 4, f32_to_float},
    {1, "F16", 1, 2, f16_to_float},
    {2, "Q4_0", 32, 18, q4_0_to_float},
    {3, "Q4_1", 32, 20, q4_1_to_float},
    {6, "Q5_0", 32, 22, q5_0_to_float},
    {7, "Q5_1", 32, 24, q5_1_to_float},
    {8, "Q8_0", 32, 34, q8_0_to_float},
    {12, "Q4_K", 256, 144, q4_k_to_float},
    {13, "Q5_K", 256, 176, q5_k_to_float},
    {14, "Q6_K", 256, 210, q6_k_to_float},
    {30, "BF16", 1, 2, bf16_to_float},
}};

// By id; "" where ggml has retired the number.
constexpr std::array<const char*, 36> kAllNames = {
    "F32",   "F16",    "Q4_0",   "Q4_1", "",    "",    "Q5_0",   "Q5_1",    "Q8_0",
    "Q8_1",  "Q2_K",   "Q3_K",   "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16",   "I32",
    "I64",   "F64",    "IQ1_M",  "BF16", "",    "",    "",       "TQ1_0",   "TQ2_0"};

}  // namespace

const GgmlType* find_ggml_type(uint32_t id) {
  const auto* found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const GgmlType& t) { return t.id == id; });
  return found == kTypes.end() ? nullptr : found;
}

const GgmlType& ggml_type(const std::string& name) {
  const auto* found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const GgmlType& t) { return t.name == name; });
  PG_CHECK(found != kTypes.end(), "ggml type {}", name);
  return *found;
}

std::string ggml_type_name(uint32_t id) { return id < kAllNames.size() ? kAllNames[id] : ""; }

std::string readable_ggml_types() {
  std::string names;
  for (const GgmlType& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

void quantize_q8_0(const float* from, uint64_t elements, unsigned char* to) {
  PG_CHECK(elements % 32 == 0, "{} elements", elements);
  for (uint64_t block = 0; block < elements / 32; ++block, from += 32, to += 34) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(from[i]));
    const float d = largest / 127;
    // Where 1 / d overflows, d is 0 as a half and so are all values.
    const float inverse = d != 0 && std::isfinite(1 / d) ? 1 / d : 0;
    const uint16_t bits = c10::detail::fp16_ieee_from_fp32_value(d);
    std::memcpy(to, &bits, 2);
    for (int i = 0; i < 32; ++i)
      to[2 + i] = static_cast<Byte>(static_cast<int8_t>(std::round(from[i] * inverse)));
  }
}

}  // namespace pgtrain
