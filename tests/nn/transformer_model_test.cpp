#include "nn/transformer_model.h"

#include "core/error.h"
#include "nn/parameters.h"
#include "nn/transformer_decode.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

// Every part that a kind can have, small.
ModelOptions small_options(const std::string& kind) {
  ModelOptions options;
  options.kind = kind == "qwen3" || kind == "mistral" ? "llama" : kind;
  if (options.is_llama()) options.family = kind;
  options.vocab_size = 11;
  options.hidden_size = 8;
  options.num_layers = 2;
  options.num_heads = 4;
  options.intermediate_size = 6;
  options.max_positions = 64;
  if (options.is_llama()) options.num_kv_heads = 2;
  if (kind == "llama") {
    options.qkv_bias = options.output_bias = options.mlp_bias = true;
    options.tie_embeddings = false;
  }
  if (kind == "qwen3") options.qk_norm = true, options.head_dim = 6;
  if (kind == "mistral") options.sliding_window = 3;
  return options;
}

const std::vector<std::string> kKinds = {"llama", "qwen3", "mistral", "gpt2"};

// Initialised, then moved so that biases, norms and adapters matter.
std::unique_ptr<LanguageModel> small_model(ModelOptions options, int64_t rank = 0,
                                           double dropout = 0) {
  options.lora.rank = rank;
  options.lora.dropout = dropout;
  auto model = make_language_model(options);
  model->initialise(1);
  const torch::NoGradGuard guard;
  torch::manual_seed(9);
  for (const auto& list : {model->parameters(), model->frozen_parameters()})
    for (const auto& parameter : list)
      parameter.tensor->add_(torch::randn(parameter.tensor->sizes()) * 0.2);
  for (const auto& parameter : model->parameters()) parameter.tensor->requires_grad_(true);
  return model;
}

void make_double(LanguageModel& model) {
  for (const auto& parameter : model.parameters())
    *parameter.tensor = parameter.tensor->detach().to(torch::kFloat64).requires_grad_(true);
  for (const auto& parameter : model.frozen_parameters())
    *parameter.tensor = parameter.tensor->to(torch::kFloat64);
}

at::Tensor log_probs(const LanguageModel& model, const std::vector<const Sequence*>& batch,
                     const DropoutKey& dropout = {}) {
  return linear_log_prob(model.hidden(batch, dropout), model.head_weight(), model.head_bias(),
                         completion_ids(batch), 1.0)
      .log_prob;
}

// What the head reads after the tokens.
at::Tensor state_after(const LanguageModel& model, std::vector<int64_t> tokens) {
  tokens.push_back(0);
  const Sequence sequence{tokens, static_cast<int64_t>(tokens.size()) - 1};
  return model.hidden({&sequence})[0].detach();
}

}  // namespace

TEST_CASE(
    "transformer: decoding gives the states of the training path, through prompts of unequal "
    "length, spreading and dropping rows",
    "[nn]") {
  for (const std::string& kind : kKinds)
    for (const int64_t rank : {0, 2})
      for (const bool is_double : {false, true}) {
        INFO(kind << " rank " << rank << " double " << is_double);
        const auto model = small_model(small_options(kind), rank);
        if (is_double) make_double(*model);
        const double tolerance = is_double ? test::kTolerance64 : 3 * test::kTolerance32;
        const auto state = model->decode_state();
        // Lengths around the size of a page.
        std::vector<std::vector<int64_t>> texts;
        for (const int64_t length : {15, 1, 16, 17, 4}) {
          texts.emplace_back();
          for (int64_t t = 0; t < length; ++t) texts.back().push_back((t * 7 + length) % 11);
        }
        state->start(texts);
        const auto check = [&] {
          REQUIRE(state->hidden().size(0) == static_cast<int64_t>(texts.size()));
          for (size_t i = 0; i < texts.size(); ++i)
            CHECK(close(state->hidden()[static_cast<int64_t>(i)], state_after(*model, texts[i]),
                        tolerance));
        };
        const auto select = [&](const std::vector<int64_t>& rows) {
          std::vector<std::vector<int64_t>> selected;
          for (const int64_t row : rows) selected.push_back(texts[static_cast<size_t>(row)]);
          texts = selected;
          state->select(rows);
        };
        const auto step = [&](int64_t seed) {
          std::vector<int64_t> ids;
          for (size_t i = 0; i < texts.size(); ++i) {
            ids.push_back((seed * 5 + static_cast<int64_t>(i) * 3) % 11);
            texts[i].push_back(ids.back());
          }
          state->step(ids);
        };
        check();
        select({0, 0, 0, 1, 2, 2, 3, 4, 4});
        check();
        for (int64_t t = 0; t < 3; ++t) step(t);
        check();
        select({8, 0, 1, 4, 6});
        step(7);
        check();
        select({1, 1});
        for (int64_t t = 0; t < 20; ++t) step(t);
        check();
        texts = {{3, 1}, {4}};
        state->start(texts);
        check();
        step(2);
        check();
      }
}

TEST_CASE("transformer: gradients of the whole network equal central differences", "[nn]") {
  const std::vector<Sequence> sequences = {{{1, 4, 2, 9, 0, 3}, 2}, {{5, 5}, 2}, {{7, 8, 10}, 1}};
  const auto batch = test::pointers(sequences);
  for (const std::string& kind : kKinds)
    for (const int64_t rank : {0, 2}) {
      const auto model = small_model(small_options(kind), rank, rank > 0 ? 0.3 : 0);
      make_double(*model);
      const Rng rng(3, Purpose::kDropout);
      const DropoutKey dropout{rank > 0 ? &rng : nullptr, 5, {4, 2, 0}};
      const auto weights = torch::randn({6}, torch::kFloat64);
      const auto loss = [&] { return (log_probs(*model, batch, dropout) * weights).sum(); };
      loss().backward();
      for (const auto& parameter : model->parameters()) {
        INFO(kind << " rank " << rank << " " << parameter.name);
        const auto numeric = test::numeric_gradient(parameter.tensor->detach(),
                                                    [&] { return loss().item<double>(); });
        CHECK(close(parameter.tensor->grad(), numeric, test::kToleranceGradient));
      }
      for (const auto& parameter : model->frozen_parameters())
        CHECK(!parameter.tensor->grad().defined());
    }
}

TEST_CASE("transformer: a text's values do not depend on its batch, and gradients add up", "[nn]") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    const auto whole = small_model(small_options(kind)), parts = small_model(small_options(kind));
    const auto sequences = test::random_sequences(9, 11, 4);
    const auto together = log_probs(*whole, test::pointers(sequences));
    together.sum().backward();
    int64_t at = 0;
    for (const Sequence& sequence : sequences) {
      if (sequence.completion_length() == 0) continue;
      const auto alone = log_probs(*parts, {&sequence});
      CHECK(close(together.narrow(0, at, alone.size(0)), alone, test::kTolerance32));
      alone.sum().backward();
      at += alone.size(0);
    }
    CHECK(at == together.size(0));
    for (size_t i = 0; i < whole->parameters().size(); ++i) {
      INFO(whole->parameters()[i].name);
      CHECK(close(whole->parameters()[i].tensor->grad(), parts->parameters()[i].tensor->grad(),
                  3 * test::kTolerance32));
    }
    const Sequence empty{{1, 2}, 2};
    CHECK(whole->hidden({&empty}).sizes() == at::IntArrayRef({0, 8}));
  }
}

TEST_CASE("transformer: in a flat buffer it computes the same, and replicas share the values",
          "[nn]") {
  const auto sequences = test::random_sequences(5, 11, 8);
  const auto batch = test::pointers(sequences);
  for (const std::string& kind : kKinds) {
    const auto model = small_model(small_options(kind)), plain = small_model(small_options(kind));
    const ParameterBuffer buffer(model->parameters());
    const auto replica = make_language_model(small_options(kind));
    const auto gradient = buffer.attach(replica->parameters());
    const auto expected = log_probs(*plain, batch);
    CHECK(close(log_probs(*model, batch), expected, test::kTolerance32));
    const auto replicated = log_probs(*replica, batch);
    CHECK(close(replicated, expected, test::kTolerance32));
    expected.sum().backward();
    replicated.sum().backward();
    for (size_t i = 0; i < plain->parameters().size(); ++i) {
      INFO(plain->parameters()[i].name);
      CHECK(close(ParameterBuffer::view(gradient, buffer.entries()[i]),
                  plain->parameters()[i].tensor->grad(), test::kTolerance32));
    }
  }
}

TEST_CASE("transformer: initialisation follows from the seed and has the usual distributions",
          "[nn]") {
  for (const std::string& kind : {"llama", "gpt2"}) {
    ModelOptions options = small_options(kind);
    options.hidden_size = 64;
    options.intermediate_size = 128;
    options.num_layers = 8;
    options.lora.rank = 4;
    const auto a = make_language_model(options), b = make_language_model(options),
               c = make_language_model(options);
    a->initialise(3);
    b->initialise(3);
    c->initialise(4);
    const auto base = a->frozen_parameters();
    for (size_t i = 0; i < base.size(); ++i) {
      INFO(base[i].name);
      const auto& tensor = *base[i].tensor;
      CHECK(test::same_bits(tensor, *b->frozen_parameters()[i].tensor));
      if (tensor.dim() == 1) {
        const bool is_norm_weight = base[i].name.find("bias") == std::string::npos;
        CHECK(tensor.eq(is_norm_weight ? 1 : 0).all().item<bool>());
        continue;
      }
      CHECK(!test::same_bits(tensor, *c->frozen_parameters()[i].tensor));
      // 0.02 / sqrt(2 * 8 layers) for the projections into the residual stream of GPT-2
      const bool is_residual = base[i].name.find("c_proj") != std::string::npos;
      const double expected = is_residual ? 0.005 : 0.02;
      if (tensor.numel() > 1000) CHECK(std::abs(tensor.std().item<double>() / expected - 1) < 0.06);
    }
    for (const auto& adapter : a->parameters()) {
      INFO(adapter.name);
      const auto& tensor = *adapter.tensor;
      if (adapter.name.find("lora_B") != std::string::npos) {
        CHECK(tensor.eq(0).all().item<bool>());
        continue;
      }
      const double bound = 1 / std::sqrt(static_cast<double>(tensor.size(1)));
      CHECK(tensor.abs().max().item<double>() <= bound);
      CHECK(tensor.abs().max().item<double>() > 0.9 * bound);
    }
  }
}

TEST_CASE("lora: a new adapter changes nothing, and only adapters are parameters", "[nn]") {
  const auto sequences = test::random_sequences(4, 11, 8);
  const auto batch = test::pointers(sequences);
  for (const std::string& kind : kKinds) {
    ModelOptions options = small_options(kind);
    const auto plain = make_language_model(options);
    plain->initialise(7);
    CHECK(plain->frozen_parameters().empty());
    options.lora.rank = 3;
    const auto adapted = make_language_model(options);
    adapted->initialise(7);
    CHECK(test::same_bits(log_probs(*adapted, batch), log_probs(*plain, batch)));
    CHECK(adapted->frozen_parameters().size() == plain->parameters().size());
    for (const auto& parameter : adapted->parameters())
      CHECK(parameter.name.rfind("base_model.model.", 0) == 0);
    const size_t layers = kind == "gpt2" ? 4 : 7;
    CHECK(adapted->parameters().size() == 2 * 2 * layers);
    const auto merged = adapted->merged_weights();
    REQUIRE(merged.size() == plain->parameters().size());
    for (size_t i = 0; i < merged.size(); ++i) {
      CHECK(merged[i].name == plain->parameters()[i].name);
      CHECK(test::same_bits(merged[i].tensor, *plain->parameters()[i].tensor));
    }
    CHECK(plain->merged_weights().size() == merged.size());
  }
}

TEST_CASE("lora: target modules name layers by their last parts", "[nn]") {
  ModelOptions options = small_options("llama");
  options.lora.rank = 2;
  options.lora.target_modules = {"q_proj", "mlp.down_proj", "layers.1.self_attn.o_proj"};
  const auto model = make_language_model(options);
  std::vector<std::string> names;
  for (const auto& parameter : model->parameters()) names.push_back(parameter.name);
  const std::string p = "base_model.model.model.layers.";
  CHECK(names == std::vector<std::string>{
                     p + "0.self_attn.q_proj.lora_A.weight", p + "0.self_attn.q_proj.lora_B.weight",
                     p + "0.mlp.down_proj.lora_A.weight", p + "0.mlp.down_proj.lora_B.weight",
                     p + "1.self_attn.q_proj.lora_A.weight", p + "1.self_attn.q_proj.lora_B.weight",
                     p + "1.self_attn.o_proj.lora_A.weight", p + "1.self_attn.o_proj.lora_B.weight",
                     p + "1.mlp.down_proj.lora_A.weight", p + "1.mlp.down_proj.lora_B.weight"});
  options.lora.target_modules = {"proj"};
  CHECK_THROWS_AS(make_language_model(options), InternalError);
  ModelOptions recurrent = test::tiny_options("gru");
  recurrent.lora.rank = 2;
  CHECK_THROWS_AS(make_language_model(recurrent), InternalError);
}

TEST_CASE("lora: replicas and references share the frozen tensors without a copy", "[nn]") {
  ModelOptions options = small_options("llama");
  const auto a = small_model(options, 2), c = small_model(options, 0);
  options.lora.rank = 2;
  const auto b = make_language_model(options);
  b->share_frozen(*a);
  for (size_t i = 0; i < a->frozen_parameters().size(); ++i)
    CHECK(b->frozen_parameters()[i].tensor->data_ptr() ==
          a->frozen_parameters()[i].tensor->data_ptr());
  const ParameterBuffer buffer(a->parameters());
  buffer.attach(b->parameters());
  const auto sequences = test::random_sequences(4, 11, 8);
  CHECK(test::same_bits(log_probs(*a, test::pointers(sequences)),
                        log_probs(*b, test::pointers(sequences))));
  CHECK_THROWS_AS(c->share_frozen(*a), InternalError);
  const auto recurrent = test::tiny_model(test::tiny_options());
  recurrent->share_frozen(*test::tiny_model(test::tiny_options()));  // nothing to share
}

TEST_CASE("lora: dropout is a function of step, sequence and position, not of the batch", "[nn]") {
  const auto model = small_model(small_options("llama"), 2, 0.5);
  const auto sequences = test::random_sequences(6, 11, 8);
  const auto batch = test::pointers(sequences);
  const Rng rng(3, Purpose::kDropout);
  const auto values = [&](uint64_t step) {
    return log_probs(*model, batch, {&rng, step, {10, 11, 12, 13, 14, 15}});
  };
  CHECK(test::same_bits(values(1), values(1)));
  CHECK(!close(values(1), values(2), test::kTolerance32));
  CHECK(!close(values(1), log_probs(*model, batch), test::kTolerance32));
  const auto together = values(1);
  int64_t at = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const auto alone = log_probs(*model, {batch[i]}, {&rng, 1, {static_cast<uint32_t>(10 + i)}});
    CHECK(close(together.narrow(0, at, alone.size(0)), alone, test::kTolerance32));
    at += alone.size(0);
  }
  CHECK_THROWS_AS(log_probs(*model, batch, {&rng, 1, {10}}), InternalError);
  // Evaluation without gradients, as the reference model runs it.
  const auto expected = log_probs(*model, batch).detach();
  const c10::InferenceMode guard;
  CHECK(test::same_bits(log_probs(*model, batch), expected));
}

TEST_CASE("transformer: it sees new weights after an update, adapters too", "[nn]") {
  for (const int64_t rank : {0, 2}) {
    const auto model = small_model(small_options("llama"), rank);
    const auto state = model->decode_state();
    state->start({{1, 2}});
    const auto before = state->hidden().clone();
    state->start({{1, 2}});
    CHECK(test::same_bits(state->hidden(), before));
    {
      const torch::NoGradGuard guard;
      for (const auto& parameter : model->parameters()) parameter.tensor->mul_(1.5);
    }
    state->start({{1, 2}});
    CHECK(!test::same_bits(state->hidden(), before));
    CHECK(close(state->hidden()[0], state_after(*model, {1, 2}), test::kTolerance32));
  }
}

TEST_CASE("lora: decoding with adapters beside the weights equals decoding with them added",
          "[nn]") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    ModelOptions options = small_options(kind);
    options.lora.rank = 2;
    options.lora.use_rslora = true;
    if (kind == "mistral") options.lora.target_modules = {"k_proj", "up_proj", "o_proj"};
    auto weights = make_weights(options);
    torch::manual_seed(4);
    for (const auto& slots : {base_slots(weights, options), adapter_slots(weights)})
      for (const WeightSlot& slot : slots) slot.tensor->normal_(0, 0.3);
    std::optional<Rotary> rotary;
    if (options.is_llama()) rotary.emplace(options);
    const Rotary* angles = rotary ? &*rotary : nullptr;
    const auto added = make_transformer_decode_state(weights, options, angles);
    const auto beside = make_transformer_decode_state(weights, options, angles, 0);
    for (const auto& state : {added.get(), beside.get()}) {
      state->start({{1, 4, 2}, {7}});
      state->select({0, 1, 1});
      state->step({3, 3, 5});
      state->step({0, 9, 2});
    }
    CHECK(close(beside->hidden(), added->hidden(), 3 * test::kTolerance32));
  }
}

TEST_CASE("transformer: wrong calls are refused", "[nn]") {
  ModelOptions options = small_options("gpt2");
  options.max_positions = 3;
  const auto model = small_model(options);
  CHECK(model->max_positions() == 3);
  const Sequence longest{{1, 2, 3, 4}, 1}, too_long{{1, 2, 3, 4, 5}, 1}, no_prompt{{1, 2}, 0},
      foreign{{1, 11, 2}, 1}, negative{{-1, 1}, 1};
  CHECK(model->hidden({&longest}).size(0) == 3);
  for (const Sequence* sequence : {&too_long, &no_prompt, &foreign, &negative})
    CHECK_THROWS_AS(model->hidden({sequence}), InternalError);
  CHECK_THROWS_AS(model->hidden({}), InternalError);
  const auto state = model->decode_state();
  CHECK_THROWS_AS(state->start({}), InternalError);
  CHECK_THROWS_AS(state->start({{1}, {}}), InternalError);
  CHECK_THROWS_AS(state->start({{11}}), InternalError);
  CHECK_THROWS_AS(state->start({{1, 2, 3, 4}}), InternalError);
  state->start({{1, 2}});
  CHECK_THROWS_AS(state->step({1, 2}), InternalError);
  CHECK_THROWS_AS(state->step({11}), InternalError);
  CHECK_THROWS_AS(state->select({1}), InternalError);
  state->step({1});
  CHECK_THROWS_AS(state->step({1}), InternalError);
  ModelOptions uneven = small_options("llama");
  uneven.num_kv_heads = 3;
  CHECK_THROWS_AS(make_language_model(uneven), InternalError);
  ModelOptions pretrained;
  pretrained.kind = "pretrained";
  CHECK_THROWS_AS(make_language_model(pretrained), InternalError);
}
