#include "nn/rnn_model.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "nn/embedding.h"
#include "nn/packed_tokens.h"
#include "nn/time_major.h"

namespace pgtrain {
namespace {

class RnnDecodeState final : public DecodeState {
 public:
  explicit RnnDecodeState(const RnnModel& model) : model_(model) {}

  void start(const std::vector<std::vector<int64_t>>& prompts) override {
    const c10::InferenceMode guard;
    PackedTokens tokens;
    for (const auto& prompt : prompts) {
      PG_CHECK(!prompt.empty(), "an empty prompt");
      const auto length = static_cast<int64_t>(prompt.size());
      tokens.add(prompt.data(), length, length - 1);
    }
    PG_CHECK(!prompts.empty(), "no prompts");
    tokens.finish(model_.options().vocab_size);
    const TimeMajor steps = time_major(tokens.groups);
    const at::Tensor ids = tokens.ids.index_select(0, at::tensor(steps.rows, at::kLong));
    allocate(static_cast<int64_t>(prompts.size()));
    for (auto& tensor : h_) tensor.zero_();
    for (auto& tensor : c_) tensor.zero_();
    int64_t start = 0;
    for (const int64_t size : steps.sizes) {
      advance(ids.narrow(0, start, size));
      start += size;
    }
    const std::vector<int64_t> places = steps.places();
    std::vector<int64_t> row_of;
    for (const auto& runs : runs_of(tokens.groups)) row_of.push_back(places[runs[0].row]);
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
  std::vector<const Sequence*> read;
  for (const Sequence* sequence : batch) {
    PG_CHECK(sequence->prompt_length >= 1 && sequence->completion_length() >= 0,
             "prompt of {} tokens, {} in all", sequence->prompt_length, sequence->tokens.size());
    if (sequence->completion_length() > 0) read.push_back(sequence);
  }
  if (read.empty())
    return at::empty({0, options_.hidden_size}, embedding_.options().requires_grad(false));
  PackedTokens tokens = pack_sequences(read, true);
  tokens.finish(options_.vocab_size);
  const TimeMajor steps = time_major(tokens.groups);
  at::Tensor x = embed(embedding_, tokens.ids.index_select(0, at::tensor(steps.rows, at::kLong)));
  for (const auto& layer : layers_)
    x = recurrent_layer(cell_, x, layer, steps.sizes, steps.parents);

  const std::vector<int64_t> places = steps.places();
  const std::vector<int64_t> wanted = wanted_rows(tokens.groups);
  std::vector<int64_t> index;
  for (const int64_t result : rows_of_texts(tokens.groups)) index.push_back(places[wanted[result]]);
  return x.index_select(0, at::tensor(index, at::kLong));
}

std::unique_ptr<DecodeState> RnnModel::decode_state() const {
  return std::make_unique<RnnDecodeState>(*this);
}

}  // namespace pgtrain
