// The last layer of a language model together with the log-probability of given tokens, without
// ever holding the whole [rows, vocabulary] matrix of a large batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tensor/id_set.h"

namespace pgtrain {

// Logits that are kept for the backward pass, at most.
constexpr int64_t kKeptLogitBytes = int64_t{64} << 20;

struct LogProbs {
  at::Tensor log_prob;  // [rows], log softmax(scale * (hidden weight^T + bias))[ids]
  at::Tensor entropy;   // [rows], of that distribution, in nats
};

// hidden [rows, size], weight [vocabulary, size], bias [vocabulary] or undefined, ids [rows] int64,
// scale = 1 / temperature. float32 or float64 on the CPU. Differentiable in hidden, weight and bias
// through both results.
//
// kept: empty, or for each row the ids that may occur there (null or a default set = all): the
// softmax is over these alone, as truncated sampling (top-k, top-p) draws, and the gradient of the
// other logits is 0. ids[i] must be in kept[i]. The sets must live until the backward pass is done.
//
// The logits are computed in blocks of rows. They are kept for the backward pass while they fit
// into keep_bytes and computed again otherwise; both ways give the same bits. Parameter gradients
// are added straight into weight.grad() and bias.grad() where these are defined (the caller owns
// and zeroes them), else returned to autograd. Throws InternalError for wrong shapes or an id
// outside [0, vocabulary).
LogProbs linear_log_prob(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& ids, double scale,
                         const std::vector<const IdSet*>& kept = {},
                         int64_t keep_bytes = kKeptLogitBytes);

}  // namespace pgtrain
