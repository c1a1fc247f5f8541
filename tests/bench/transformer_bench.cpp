// Tokens per second of a transformer on one thread: decoding a batch, and forward + backward of its
// texts; beside the matrix-product rate of the machine.
// usage: transformer_bench [llama|gpt2] [hidden layers heads kv_heads intermediate vocabulary]
// [rows tokens rank]
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "nn/language_model.h"
#include "nn/parameters.h"
#include "tensor/blas.h"
#include "tensor/linear_log_prob.h"

using namespace pgtrain;

namespace {

constexpr int64_t kPrompt = 5;
constexpr int64_t kMicroBatch = 16;

double seconds_of(const std::function<void()>& f) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, int64_t standard) {
    return argc > i ? std::stoll(argv[i]) : standard;
  };
  prepare_blas();
  use_one_thread();
  ModelOptions options;
  options.kind = argc > 1 ? argv[1] : "llama";
  options.hidden_size = number(2, 64);
  options.num_layers = number(3, 5);
  options.num_heads = number(4, 8);
  options.num_kv_heads = number(5, 4);
  options.intermediate_size = number(6, 172);
  options.vocab_size = number(7, 512);
  const int64_t rows = number(8, 64), tokens = number(9, 64);
  options.lora.rank = number(10, 0);
  const auto model = make_language_model(options);
  model->initialise(1);
  const ParameterBuffer buffer(model->parameters());

  std::vector<Sequence> texts;
  for (int64_t i = 0; i < rows; ++i) {
    Sequence text;
    text.prompt_length = kPrompt;
    for (int64_t t = 0; t < kPrompt + tokens; ++t)
      text.tokens.push_back((i * 31 + t * 7) % options.vocab_size);
    texts.push_back(text);
  }
  const double peak = matmul_gflops(512);
  std::printf("%lld parameters, peak %.1f GFLOP/s\n",
              static_cast<long long>(parameter_count(options)), peak);

  const at::Tensor head = model->head_weight().detach();
  const auto decode = [&](bool with_head) {
    const c10::InferenceMode guard;
    const auto state = model->decode_state();
    state->start({{1, 2, 3, 4, 5}});
    state->select(std::vector<int64_t>(static_cast<size_t>(rows), 0));
    at::Tensor logits = at::empty({rows, options.vocab_size});
    std::vector<int64_t> ids(static_cast<size_t>(rows), 3);
    for (int64_t t = 0; t < tokens; ++t) {
      if (with_head) at::mm_out(logits, state->hidden(), head.t());
      state->step(ids);
    }
  };
  const auto generated = static_cast<double>(rows * tokens);
  const double weights = static_cast<double>(parameter_count(options));
  for (const bool with_head : {false, true}) {
    const double time = seconds_of([&] { decode(with_head); });
    std::printf("decode%s: %.0f tokens/s, %.1f %% of the peak\n", with_head ? " with logits" : "",
                generated / time, 100 * 2e-9 * weights * generated / time / peak);
  }
  const auto update = [&](bool backward) {
    buffer.gradient().zero_();
    for (int64_t start = 0; start < rows; start += kMicroBatch) {
      std::vector<const Sequence*> batch;
      for (int64_t i = start; i < std::min(rows, start + kMicroBatch); ++i)
        batch.push_back(&texts[static_cast<size_t>(i)]);
      const at::Tensor hidden = model->hidden(batch);
      const auto result = linear_log_prob(hidden, model->head_weight(), model->head_bias(),
                                          completion_ids(batch), 1.0);
      if (backward) result.log_prob.sum().backward();
    }
  };
  const double read = static_cast<double>(rows * (kPrompt + tokens - 1));
  for (const bool backward : {false, true}) {
    const double time = seconds_of([&] { update(backward); });
    std::printf("forward%s: %.0f tokens/s, %.1f %% of the peak\n", backward ? " + backward" : "",
                generated / time, 100 * (backward ? 6e-9 : 2e-9) * weights * read / time / peak);
  }
}
