#include "nn/parameters.h"

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

TEST_CASE(
    "parameter buffer: values move in unchanged, views share the buffer and start at 64 bytes",
    "[nn]") {
  auto model = make_language_model(test::tiny_options());
  model->initialise(1);
  const auto reference = test::tiny_model(test::tiny_options());
  const ParameterBuffer buffer(model->parameters());
  for (size_t i = 0; i < model->parameters().size(); ++i) {
    const auto& tensor = *model->parameters()[i].tensor;
    CHECK(test::same_bits(tensor, *reference->parameters()[i].tensor));
    CHECK(buffer.entries()[i].offset % 16 == 0);
    CHECK(tensor.data_ptr<float>() ==
          buffer.values().data_ptr<float>() + buffer.entries()[i].offset);
    CHECK(tensor.requires_grad());
  }
  buffer.values().fill_(2);
  CHECK(model->parameters()[0].tensor->detach().min().item<double>() == 2);
}

TEST_CASE("parameter buffer: replicas share values, not gradients", "[nn]") {
  auto model = make_language_model(test::tiny_options());
  model->initialise(1);
  const ParameterBuffer buffer(model->parameters());
  auto replica = make_language_model(test::tiny_options());
  const auto gradient = buffer.attach(replica->parameters());
  const auto sequences = test::random_sequences(4, 11, 6);
  const auto batch = test::pointers(sequences);
  const auto loss = [&](const LanguageModel& m) {
    return linear_log_prob(m.hidden(batch), m.head_weight(), m.head_bias(), completion_ids(batch),
                           1.0)
        .log_prob.sum();
  };
  loss(*replica).backward();
  CHECK(gradient.abs().max().item<double>() > 0);
  CHECK(buffer.gradient().abs().max().item<double>() == 0);
  loss(*model).backward();
  CHECK(test::same_bits(buffer.gradient(), gradient));
  buffer.values().mul_(0.5);
  CHECK(test::same_bits(loss(*model), loss(*replica)));
  auto other = make_language_model(test::tiny_options("gru", 12));
  CHECK_THROWS_AS(buffer.attach(other->parameters()), InternalError);
}
