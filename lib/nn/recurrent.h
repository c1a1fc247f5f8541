// One recurrent layer over a ragged batch, with a hand-written backward pass.
//
// GRU, as torch.nn.GRU (Cho et al. 2014, with the reset gate after the product):
//   r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)      z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
//   n = tanh(W_in x + b_in + r * (W_hn h + b_hn))   h' = (1 - z) * n + z * h
// LSTM, as torch.nn.LSTM (Hochreiter and Schmidhuber 1997, with forget gate): gates i, f, g, o;
//   c' = f * c + i * g                              h' = o * tanh(c')
// Rows of the weights are in the order r, z, n or i, f, g, o, again as in torch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pgtrain {

enum class CellKind { kGru, kLstm };

inline int64_t gate_count(CellKind kind) { return kind == CellKind::kGru ? 3 : 4; }

struct RecurrentWeights {
  at::Tensor input;           // [gates * hidden, inputs]
  at::Tensor recurrent;       // [gates * hidden, hidden]
  at::Tensor input_bias;      // [gates * hidden]
  at::Tensor recurrent_bias;  // [gates * hidden]
};

// x [total, inputs]: time-major packed sequences, as PyTorch's PackedSequence: first the inputs of
// step 0 of all rows, then of step 1, ...; step t has batch_sizes[t] rows. Row i of a step goes on
// from row i of the step before or, where parents (none, or one tensor a step) has a defined
// tensor, from its row parents[t][i] (int64 [batch_sizes[t]]): several rows may have one parent,
// some rows no successor. All start from a zero state. Returns the states h after every step,
// [total, hidden] in the same packing. Differentiable in x and all weights; weight gradients go
// through GradientSink.
at::Tensor recurrent_layer(CellKind kind, const at::Tensor& x, const RecurrentWeights& weights,
                           const std::vector<int64_t>& batch_sizes,
                           const std::vector<at::Tensor>& parents = {});

// One step of `rows` rows for decoding, without gradient: h [rows, hidden] (and c for the LSTM) are
// replaced by the new state. The scratch tensors are [>= rows, gates * hidden].
void recurrent_step(CellKind kind, const at::Tensor& x, const RecurrentWeights& weights,
                    at::Tensor& h, at::Tensor& c, at::Tensor& scratch_input,
                    at::Tensor& scratch_recurrent);

}  // namespace pgtrain
