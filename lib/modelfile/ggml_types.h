// The element types of GGUF tensors and their exact conversion to float32.
//
// Quantised types store a row as blocks. With h(x) the half at x, per block of 32 values (* = also
// a 5th bit for each value in a 32-bit field):
//   Q8_0  d, 32 int8 q            x = d q
//   Q4_0  d, 16 bytes             x = d (q - 8);  low nibbles are values 0..15, high ones 16..31
//   Q4_1  d, m, 16 bytes          x = d q + m
//   Q5_0* d, bits, 16 bytes       x = d (q - 16)
//   Q5_1* d, m, bits, 16 bytes    x = d q + m
// and per block of 256 values, with 6-bit scales s and minima t for each 32 values (Q4_K, Q5_K) or
// 8-bit scales for each 16 (Q6_K):
//   Q4_K  x = (d s) q - (dmin t);  Q5_K the same with a 5th bit;  Q6_K  x = (d s) (q - 32)
// The results are bit for bit those of ggml's reference code (ggml-quants.c), which rounds every
// product to float32 before the sum.
#pragma once

#include <cstdint>
#include <string>

namespace pgtrain {

struct GgmlType {
  uint32_t id;
  const char* name;
  uint64_t block_elements;
  uint64_t block_bytes;
  // Converts `blocks` blocks. Sources may lie at any alignment.
  void (*to_float)(const unsigned char* from, uint64_t blocks, float* to);
};

// nullptr when the type cannot be read.
const GgmlType* find_ggml_type(uint32_t id);
const GgmlType& ggml_type(const std::string& name);  // must be one of ours
// The name of any type of ggml, readable or not; "" when unknown.
std::string ggml_type_name(uint32_t id);
// "F32, F16, ..."
std::string readable_ggml_types();

// Q8_0 for writing: d = max|x| / 127, q = x times 1 / d, halves rounded away from zero, bit for bit
// as ggml's quantize_row_q8_0_ref. `elements` must be a multiple of 32, the values finite.
void quantize_q8_0(const float* from, uint64_t elements, unsigned char* to);

}  // namespace pgtrain
