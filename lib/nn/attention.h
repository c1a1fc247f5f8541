// Causal self-attention over packed texts, of which groups may share a beginning, with grouped
// queries, rotation and a sliding window, and a hand-written backward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/row_groups.h"

namespace pgtrain {

// Columns of a row of queries, keys and values: [query_heads * size | kv_heads * size | kv_heads *
// size]. Query head h reads key/value head h / group().
struct HeadShape {
  int64_t query_heads = 0;
  int64_t kv_heads = 0;
  int64_t size = 0;

  int64_t group() const { return query_heads / kv_heads; }
  int64_t query_columns() const { return query_heads * size; }
  int64_t rotated_columns() const { return (query_heads + kv_heads) * size; }
  int64_t columns() const { return (query_heads + 2 * kv_heads) * size; }
};

// What a call reads beside queries, keys and values.
struct AttentionPlan {
  HeadShape shape;
  std::vector<RowGroup> groups;  // a branch's rows see the trunk and their own branch
  at::Tensor table;              // Rotary::table of at least the longest text, or undefined
  int64_t window = 0;            // positions that a query sees, its own included; 0 = all before
  double norm_epsilon = 0;       // of the query and key norms

  double scale() const;  // 1 / sqrt(size)
};

// Weights of the RMSNorm of every query and key head before the rotation, [size] each; or
// undefined.
struct HeadNorms {
  at::Tensor query;
  at::Tensor key;
};

struct AttentionResult {
  at::Tensor output;       // [result_count, query_heads * size]
  at::Tensor heads;        // [rows, >= rotated_columns]: normed and rotated queries and keys
  at::Tensor inverse;      // [rows, query_heads + kv_heads] of the norms, or undefined
  at::Tensor log_sum_exp;  // [rows, query_heads]; only rows with results are set
};

// qkv [rows, columns], contiguous -> [result_count, query_heads * size]. Differentiable in qkv and
// the norms, whose gradients go through GradientSink. Keeps one number a row and head for the
// backward pass, which works out the probabilities again, a block of queries at a time.
at::Tensor causal_attention(const std::shared_ptr<const AttentionPlan>& plan, const at::Tensor& qkv,
                            const HeadNorms& norms);

// The same without gradient, with the rotated keys for a cache.
AttentionResult attention_forward(const AttentionPlan& plan, const at::Tensor& qkv,
                                  const HeadNorms& norms);

// Norms and rotates the queries and keys of one row in place. angles: a row of Rotary::table or
// null. inverses: null or [query_heads + kv_heads].
template <class T>
void prepare_heads(const HeadShape& shape, const HeadNorms& norms, T epsilon, const T* angles,
                   T* row, T* inverses);

}  // namespace pgtrain
