#include "nn/rnn_model.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"
#include "nn/embedding.h"

namespace pgtrain {
namespace {

// Token sequences as the recurrent layers read them: longest first, time-major, without padding.
struct Packed {
  std::vector<int64_t> order;        // order[row] = index of the sequence in that row
  std::vector<int64_t> batch_sizes;  // rows that are still running, for each step
  std::vector<int64_t> step_start;   // packed index of each step's first row
  at::Tensor tokens;                 // [total] int64

  int64_t index(int64_t row, int64_t step) const { return step_start[step] + row; }
};

// lengths[i] >= 1 inputs of sequence i; token(i, t) is its input at step t.
template <class TokenAt>
Packed pack(const std::vector<int64_t>& lengths, int64_t vocab_size, const TokenAt& token) {
  Packed packed;
  packed.order.resize(lengths.size());
  std::iota(packed.order.begin(), packed.order.end(), int64_t{0});
  std::stable_sort(packed.order.begin(), packed.order.end(),
                   [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  const int64_t steps = lengths[packed.order[0]];
  packed.tokens =
      at::empty({std::accumulate(lengths.begin(), lengths.end(), int64_t{0})}, at::kLong);
  int64_t* out = packed.tokens.data_ptr<int64_t>();
  int64_t rows = static_cast<int64_t>(lengths.size());
  int64_t start = 0;
  for (int64_t t = 0; t < steps; ++t) {
    while (lengths[packed.order[rows - 1]] <= t) --rows;
    packed.batch_sizes.push_back(rows);
    packed.step_start.push_back(start);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t id = token(packed.order[row], t);
      PG_CHECK(id >= 0 && id < vocab_size, "token {} with a vocabulary of {}", id, vocab_size);
      out[start + row] = id;
    }
    start += rows;
  }
  return packed;
}

class RnnDecodeState final : public DecodeState {
 public:
  explicit RnnDecodeState(const RnnModel& model) : model_(model) {}

  void start(const std::vector<std::vector<int64_t>>& prompts) override {
    const c10::InferenceMode guard;
    std::vector<int64_t> lengths;
    for (const auto& prompt : prompts) {
      PG_CHECK(!prompt.empty(), "an empty prompt");
      lengths.push_back(static_cast<int64_t>(prompt.size()));
    }
    const Packed packed = pack(lengths, model_.options().vocab_size,
                               [&](int64_t i, int64_t t) { return prompts[i][t]; });
    allocate(static_cast<int64_t>(prompts.size()));
    for (auto& tensor : h_) tensor.zero_();
    for (auto& tensor : c_) tensor.zero_();
    for (size_t t = 0; t < packed.batch_sizes.size(); ++t)
      advance(packed.tokens.narrow(0, packed.step_start[t], packed.batch_sizes[t]));
    std::vector<int64_t> row_of(prompts.size());
    for (size_t row = 0; row < packed.order.size(); ++row)
      row_of[packed.order[row]] = static_cast<int64_t>(row);
    select(row_of);
  }

  void select(const std::vector<int64_t>& rows) override {
    const c10::InferenceMode guard;
    const at::Tensor index = at::tensor(rows, at::kLong);
    for (auto* states : {&h_, &c_})
      for (auto& tensor : *states) tensor = tensor.index_select(0, index);
    rows_ = static_cast<int64_t>(rows.size());
    if (rows_ > gates_.size(0)) allocate_scratch(rows_);
  }

  void step(const std::vector<int64_t>& tokens) override {
    const c10::InferenceMode guard;
    PG_CHECK(static_cast<int64_t>(tokens.size()) == rows_, "{} tokens for {} rows", tokens.size(),
             rows_);
    advance(at::tensor(tokens, at::kLong));
  }

  at::Tensor hidden() const override { return h_.back(); }

 private:
  void allocate(int64_t rows) {
    rows_ = rows;
    const auto options = model_.embedding().options().requires_grad(false);
    h_.assign(model_.layers().size(), {});
    for (auto& tensor : h_) tensor = at::empty({rows, model_.options().hidden_size}, options);
    c_.clear();
    if (model_.cell() == CellKind::kLstm)
      for (const auto& tensor : h_) c_.push_back(at::empty_like(tensor));
    allocate_scratch(rows);
  }

  void allocate_scratch(int64_t rows) {
    gates_ = at::empty({rows, gate_count(model_.cell()) * model_.options().hidden_size},
                       model_.embedding().options().requires_grad(false));
    recurrent_ = at::empty_like(gates_);
  }

  // The first ids.size(0) rows read one token; the others keep their state.
  void advance(const at::Tensor& ids) {
    at::Tensor x = model_.embedding().index_select(0, ids);
    for (size_t layer = 0; layer < h_.size(); ++layer) {
      at::Tensor h = h_[layer].narrow(0, 0, ids.size(0));
      at::Tensor c = c_.empty() ? at::Tensor() : c_[layer].narrow(0, 0, ids.size(0));
      recurrent_step(model_.cell(), x, model_.layers()[layer], h, c, gates_, recurrent_);
      x = h;
    }
  }

  const RnnModel& model_;
  int64_t rows_ = 0;
  std::vector<at::Tensor> h_;  // a layer each, [rows, hidden]
  std::vector<at::Tensor> c_;  // LSTM only
  at::Tensor gates_;
  at::Tensor recurrent_;
};

void fill_uniform(at::Tensor& tensor, double bound, const Rng& rng, uint32_t index) {
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = static_cast<float>((2 * rng.uniform(static_cast<uint64_t>(i), index) - 1) * bound);
}

}  // namespace

RnnModel::RnnModel(const ModelOptions& options)
    : options_(options), cell_(options.kind == "lstm" ? CellKind::kLstm : CellKind::kGru) {
  PG_CHECK(options.vocab_size > 0, "the vocabulary is empty");
  PG_CHECK(!options.lora.enabled(), "kind {} takes no adapters", options.kind);
  const int64_t hidden = options.hidden_size;
  const int64_t rows = gate_count(cell_) * hidden;
  embedding_ = at::zeros({options.vocab_size, options.embedding_size});
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const int64_t inputs = layer == 0 ? options.embedding_size : hidden;
    layers_.push_back({at::zeros({rows, inputs}), at::zeros({rows, hidden}), at::zeros({rows}),
                       at::zeros({rows})});
  }
  head_weight_ = at::zeros({options.vocab_size, hidden});
  head_bias_ = at::zeros({options.vocab_size});
}

std::vector<LanguageModel::Parameter> RnnModel::parameters() {
  std::vector<Parameter> result = {{"embedding.weight", &embedding_}};
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    const std::string prefix = "rnn.";
    const std::string suffix = "_l" + std::to_string(layer);
    result.push_back({prefix + "weight_ih" + suffix, &layers_[layer].input});
    result.push_back({prefix + "weight_hh" + suffix, &layers_[layer].recurrent});
    result.push_back({prefix + "bias_ih" + suffix, &layers_[layer].input_bias});
    result.push_back({prefix + "bias_hh" + suffix, &layers_[layer].recurrent_bias});
  }
  result.push_back({"head.weight", &head_weight_});
  result.push_back({"head.bias", &head_bias_});
  return result;
}

void RnnModel::initialise(uint64_t seed) {
  const Rng rng(seed, Purpose::kInit);
  const double bound = 1.0 / std::sqrt(static_cast<double>(options_.hidden_size));
  uint32_t index = 0;
  for (const Parameter& parameter : parameters()) {
    if (parameter.tensor == &embedding_) {
      float* values = embedding_.data_ptr<float>();
      for (int64_t i = 0; i < embedding_.numel(); ++i)
        values[i] = static_cast<float>(rng.normal(static_cast<uint64_t>(i), index));
    } else {
      fill_uniform(*parameter.tensor, bound, rng, index);
    }
    ++index;
  }
}

at::Tensor RnnModel::hidden(const std::vector<const Sequence*>& batch,
                            const DropoutKey& /*dropout*/) const {
  PG_CHECK(!batch.empty(), "an empty batch");
  std::vector<int64_t> lengths;
  for (const Sequence* sequence : batch) {
    PG_CHECK(sequence->prompt_length >= 1 && sequence->completion_length() >= 0,
             "prompt of {} tokens, {} in all", sequence->prompt_length, sequence->tokens.size());
    // The last token predicts nothing that counts; a sequence of one token still has one input.
    lengths.push_back(std::max<int64_t>(1, static_cast<int64_t>(sequence->tokens.size()) - 1));
  }
  const Packed packed =
      pack(lengths, options_.vocab_size, [&](int64_t i, int64_t t) { return batch[i]->tokens[t]; });
  at::Tensor x = embed(embedding_, packed.tokens);
  for (const auto& layer : layers_) x = recurrent_layer(cell_, x, layer, packed.batch_sizes);

  std::vector<int64_t> row_of(batch.size());
  for (size_t row = 0; row < packed.order.size(); ++row)
    row_of[packed.order[row]] = static_cast<int64_t>(row);
  std::vector<int64_t> index;
  for (size_t i = 0; i < batch.size(); ++i)
    for (int64_t t = 0; t < batch[i]->completion_length(); ++t)
      index.push_back(packed.index(row_of[i], batch[i]->prompt_length - 1 + t));
  return x.index_select(0, at::tensor(index, at::kLong));
}

std::unique_ptr<DecodeState> RnnModel::decode_state() const {
  return std::make_unique<RnnDecodeState>(*this);
}

}  // namespace pgtrain
