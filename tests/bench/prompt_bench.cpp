// Seconds of an update (forward + backward) of 16 samples in 2 groups of 8 on one thread: each
// prompt read once for its group, or for every sample (the groups interleaved, so that no equal
// prompts are adjacent).
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "nn/language_model.h"
#include "nn/parameters.h"
#include "tensor/blas.h"
#include "tensor/linear_log_prob.h"

using namespace pgtrain;

namespace {

constexpr int64_t kGroups = 2, kSamples = 8, kCompletion = 32;

std::vector<Sequence> texts_of(int64_t prompt_length, int64_t vocab_size) {
  std::vector<Sequence> texts;
  for (int64_t i = 0; i < kGroups * kSamples; ++i) {
    Sequence text;
    text.prompt_length = prompt_length;
    for (int64_t t = 0; t < prompt_length; ++t)
      text.tokens.push_back((i / kSamples * 31 + t * 7) % vocab_size);
    for (int64_t t = 0; t < kCompletion; ++t) text.tokens.push_back((i * 17 + t * 5) % vocab_size);
    texts.push_back(text);
  }
  return texts;
}

void update(const LanguageModel& model, const std::vector<const Sequence*>& batch) {
  linear_log_prob(model.hidden(batch), model.head_weight(), model.head_bias(),
                  completion_ids(batch), 1.0)
      .log_prob.sum()
      .backward();
}

// Of the best of several alternating runs of both.
void compare(const char* name, const LanguageModel& model, int64_t prompt_length) {
  const auto texts = texts_of(prompt_length, model.options().vocab_size);
  std::vector<const Sequence*> adjacent, interleaved;
  for (const Sequence& text : texts) adjacent.push_back(&text);
  for (int64_t sample = 0; sample < kSamples; ++sample)
    for (int64_t group = 0; group < kGroups; ++group)
      interleaved.push_back(adjacent[group * kSamples + sample]);
  double best[2] = {1e9, 1e9};
  for (int round = 0; round < 7; ++round)
    for (const int shared : {0, 1}) {
      const auto start = std::chrono::steady_clock::now();
      update(model, shared ? adjacent : interleaved);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      best[shared] = std::min(best[shared], time.count());
    }
  std::printf("%-12s prompt %3lld: each %8.2f ms, once %8.2f ms, %.2f times as fast\n", name,
              static_cast<long long>(prompt_length), 1e3 * best[0], 1e3 * best[1],
              best[0] / best[1]);
}

}  // namespace

int main() {
  prepare_blas();
  use_one_thread();
  ModelOptions large, small, gru;
  large.kind = small.kind = "llama";
  large.hidden_size = 576;
  large.num_layers = 4;
  large.num_heads = 9;
  large.num_kv_heads = 3;
  large.intermediate_size = 1536;
  small.hidden_size = 64;
  small.num_layers = 4;
  small.num_heads = 8;
  small.num_kv_heads = 4;
  small.intermediate_size = 172;
  gru.kind = "gru";
  gru.embedding_size = gru.hidden_size = 256;
  for (auto& [name, options] : {std::pair{"llama 576", &large}, std::pair{"llama 64", &small},
                                std::pair{"gru 256", &gru}}) {
    options->vocab_size = 1000;
    const auto model = make_language_model(*options);
    model->initialise(1);
    const ParameterBuffer buffer(model->parameters());
    for (const int64_t prompt_length : {1, 12, 64, 256}) compare(name, *model, prompt_length);
  }
}
