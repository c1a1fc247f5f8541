// The two passes of causal attention over prepared queries and keys, an independent piece of work
// for each group of texts and key/value head.
#pragma once

#include "nn/attention.h"

namespace pgtrain {

// T is the type of all tensors, float or double; all are contiguous. result.heads and the values of
// qkv are read; result.output and result.log_sum_exp are filled.
template <class T>
void attention_forward_pass(const AttentionPlan& plan, const at::Tensor& qkv,
                            const AttentionResult& result);

// d_output: gradient of result.output. d_qkv [rows, columns]: zeros in, gradient of the prepared
// queries and keys and of the values out.
template <class T>
void attention_backward_pass(const AttentionPlan& plan, const at::Tensor& qkv,
                             const AttentionResult& result, const at::Tensor& d_output,
                             const at::Tensor& d_qkv);

}  // namespace pgtrain
