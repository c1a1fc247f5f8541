#include "nn/rnn_model.h"

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;
using test::close;

namespace {

LogProbs log_probs(const LanguageModel& model, const std::vector<const Sequence*>& batch) {
  return linear_log_prob(model.hidden(batch), model.head_weight(), model.head_bias(),
                         completion_ids(batch), 1.0);
}

}  // namespace

TEST_CASE("rnn model: the classic example has exactly its parameters", "[nn]") {
  ModelOptions options;
  options.vocab_size = 10000;
  options.embedding_size = 512;
  options.hidden_size = 512;
  // Embedding(10000, 512), GRU(512, 512), Linear(512, 10000)
  const int64_t expected = 10000 * 512 + (3 * 512 * 512 * 2 + 3 * 512 * 2) + (512 * 10000 + 10000);
  CHECK(parameter_count(options) == expected);
  const auto model = make_language_model(options);
  int64_t count = 0;
  for (const auto& parameter : model->parameters()) count += parameter.tensor->numel();
  CHECK(count == expected);
}

TEST_CASE("rnn model: log-probabilities equal torch's embedding, GRU and linear layers", "[nn]") {
  for (const int64_t layers : {1, 2}) {
    const auto model = test::tiny_model(test::tiny_options("gru", 11, layers));
    const auto parameters = model->parameters();
    torch::nn::GRU gru(torch::nn::GRUOptions(6, 8).num_layers(layers).batch_first(true));
    {
      const torch::NoGradGuard guard;
      for (size_t i = 0; i < gru->parameters().size(); ++i)
        gru->parameters()[i].copy_(*parameters[i + 1].tensor);
    }
    const auto sequences = test::random_sequences(9, 11, 3);
    const auto batch = test::pointers(sequences);
    const auto ours = log_probs(*model, batch).log_prob;
    int64_t at = 0;
    for (const Sequence& sequence : sequences) {
      const auto ids = torch::tensor(sequence.tokens, torch::kInt64);
      const auto inputs = parameters[0].tensor->index_select(0, ids).unsqueeze(0);
      const auto logits = torch::linear(std::get<0>(gru->forward(inputs)).squeeze(0),
                                        model->head_weight(), model->head_bias());
      const auto all = torch::log_softmax(logits, 1);
      for (int64_t t = sequence.prompt_length; t < static_cast<int64_t>(sequence.tokens.size());
           ++t, ++at)
        CHECK(test::close(ours[at].item<double>(),
                          all[t - 1][sequence.tokens[static_cast<size_t>(t)]].item<double>(),
                          test::kTolerance32));
    }
    CHECK(at == ours.size(0));
  }
}

TEST_CASE("rnn model: a sequence's row does not depend on its batch", "[nn]") {
  for (const char* kind : {"gru", "lstm"}) {
    const auto model = test::tiny_model(test::tiny_options(kind, 11, 2));
    const auto sequences = test::random_sequences(7, 11, 4);
    const auto together = log_probs(*model, test::pointers(sequences)).log_prob;
    int64_t at = 0;
    for (const Sequence& sequence : sequences) {
      const auto alone = log_probs(*model, {&sequence}).log_prob;
      CHECK(close(together.narrow(0, at, alone.size(0)), alone, test::kTolerance32));
      at += alone.size(0);
    }
  }
}

TEST_CASE("rnn model: the gradient of a batch is the sum of its sequences' gradients", "[nn]") {
  const auto whole = test::tiny_model(test::tiny_options());
  const auto parts = test::tiny_model(test::tiny_options());
  const auto sequences = test::random_sequences(6, 11, 5);
  log_probs(*whole, test::pointers(sequences)).log_prob.sum().backward();
  for (const Sequence& sequence : sequences)
    if (sequence.completion_length() > 0) log_probs(*parts, {&sequence}).log_prob.sum().backward();
  for (size_t i = 0; i < whole->parameters().size(); ++i) {
    INFO(whole->parameters()[i].name);
    CHECK(close(whole->parameters()[i].tensor->grad(), parts->parameters()[i].tensor->grad(),
                3 * test::kTolerance32));
  }
}

TEST_CASE("rnn model: initialisation follows from the seed alone and has torch's distributions",
          "[nn]") {
  ModelOptions options = test::tiny_options("gru", 200);
  options.hidden_size = 64;
  options.embedding_size = 64;
  const auto a = test::tiny_model(options, 3);
  const auto b = test::tiny_model(options, 3);
  const auto c = test::tiny_model(options, 4);
  for (size_t i = 0; i < a->parameters().size(); ++i) {
    CHECK(test::same_bits(*a->parameters()[i].tensor, *b->parameters()[i].tensor));
    CHECK(!test::same_bits(*a->parameters()[i].tensor, *c->parameters()[i].tensor));
  }
  const auto& embedding = *a->parameters()[0].tensor;
  CHECK(std::abs(embedding.mean().item<double>()) < 0.03);
  CHECK(std::abs(embedding.std().item<double>() - 1) < 0.03);
  for (size_t i = 1; i < a->parameters().size(); ++i) {
    const auto& weights = *a->parameters()[i].tensor;
    CHECK(weights.abs().max().item<double>() <= 1.0 / 8);
    if (weights.numel() > 1000)
      CHECK(std::abs(weights.std().item<double>() - 1 / (8 * std::sqrt(3.0))) < 0.003);
  }
}

TEST_CASE("rnn model: empty prompts, foreign ids and empty batches are refused", "[nn]") {
  const auto model = test::tiny_model(test::tiny_options());
  const Sequence no_prompt{{1, 2}, 0};
  const Sequence foreign{{1, 11, 2}, 1};
  const Sequence negative{{-1, 1}, 1};
  CHECK_THROWS_AS(model->hidden({}), InternalError);
  CHECK_THROWS_AS(model->hidden({&no_prompt}), InternalError);
  CHECK_THROWS_AS(model->hidden({&foreign}), InternalError);
  CHECK_THROWS_AS(model->hidden({&negative}), InternalError);
}
