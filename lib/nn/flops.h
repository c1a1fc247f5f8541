// Floating-point operations that the matrix products of a policy need: 2 for each multiply-add.
//
// Counted, for one token that is read:
//   linear layer                2 inputs outputs
//   GRU (g = 3), LSTM (g = 4)   2 g hidden (inputs + hidden) a layer
//   attention                   4 heads head_dim n a layer: scores and weighted values of the n
//                               tokens that the position sees, itself included
//   head                        2 hidden vocab_size, for each position whose next token is asked
//   adapter                     2 rank (inputs + outputs)
// In a transformer's last block only its keys and values are needed of positions whose state nobody
// asks for. Everything element-wise, the embeddings (looked up) and the value head (one output) are
// left out, and so are products that an implementation makes twice to save memory.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/model_options.h"

namespace pgtrain {

// Of one forward pass.
struct ForwardFlops {
  double trained = 0;    // products with weights that training changes
  double frozen = 0;     // products with weights that it leaves alone: the base below adapters
  double attention = 0;  // products without weights

  double total() const { return trained + frozen + attention; }
  // The forward pass and its backward pass, which needs two products for each one of the forward
  // pass, or one where the weight gets no gradient: 3 (trained + attention) + 2 frozen.
  double with_backward() const { return 3 * (trained + attention) + 2 * frozen; }
  ForwardFlops& operator+=(const ForwardFlops& other);
};

// Positions [begin, end) of a text are read after those before them; the states of the last
// `wanted` of them are asked for. Without the head. 0 <= begin <= end, 0 <= wanted <= end - begin.
ForwardFlops reading_flops(const ModelOptions& options, int64_t begin, int64_t end, int64_t wanted);

// A sequence is read for the log-probabilities of its completion: all tokens but the last, and the
// head for each completion token. Nothing for an empty completion.
ForwardFlops sequence_flops(const ModelOptions& options, int64_t prompt_length,
                            int64_t completion_length);

// A further sample of a prompt that was read for the sequence before it: no prompt.
ForwardFlops sample_flops(const ModelOptions& options, int64_t prompt_length,
                          int64_t completion_length);

// A prompt is read once, then completions of these lengths (each at least 1) are drawn from it:
// each reads its tokens but the last and asks the head for every token. Adapters count as part of
// the weights they are added to.
double generation_flops(const ModelOptions& options, int64_t prompt_length,
                        const std::vector<int64_t>& completion_lengths);

}  // namespace pgtrain
