#include "rollout/generator.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

const std::vector<std::vector<int64_t>> kPrompts = {{1, 5, 3}, {1, 3}, {1, 9, 9, 4, 3}};

GenerationOptions short_options() {
  GenerationOptions options;
  options.max_new_tokens = 12;
  return options;
}

std::vector<Completion> run(const LanguageModel& model, const GenerationOptions& options,
                            int64_t samples = 4, const ValueHead* head = nullptr) {
  const Rng rng(3, Purpose::kSample);
  return generate(model, head, kPrompts, samples, options, {&rng, 7, 100});
}

}  // namespace

TEST_CASE("generate: the shape of every completion", "[rollout]") {
  const auto model =
      test::tiny_model(test::tiny_options("gru", 6));  // a small vocabulary ends often
  const auto completions = generate(*model, nullptr, {{1, 5, 3}, {1, 3}}, 20, short_options(),
                                    {std::make_unique<Rng>(3, Purpose::kSample).get(), 0, 0});
  REQUIRE(completions.size() == 40);
  bool some_finished = false, some_cut = false;
  for (size_t i = 0; i < completions.size(); ++i) {
    const Completion& c = completions[i];
    CHECK(c.sequence.prompt_length == (i < 20 ? 3 : 2));
    const int64_t length = c.sequence.completion_length();
    CHECK(static_cast<int64_t>(c.log_probs.size()) == length);
    CHECK((length >= 1 && length <= 12));
    const auto first = c.sequence.tokens.begin() + c.sequence.prompt_length;
    CHECK(std::count(first, c.sequence.tokens.end(), 2) == (c.finished ? 1 : 0));
    if (c.finished)
      CHECK(c.sequence.tokens.back() == 2);
    else
      CHECK(length == 12);
    (c.finished ? some_finished : some_cut) = true;
  }
  CHECK(some_finished);
  CHECK(some_cut);
}

TEST_CASE("generate: log-probabilities and values are those of the training path", "[rollout]") {
  for (const char* kind : {"gru", "lstm"}) {
    const auto model = test::tiny_model(test::tiny_options(kind, 11, 2));
    ValueHead head(8);
    torch::manual_seed(1);
    *head.parameters()[0].tensor = torch::randn({1, 8});
    GenerationOptions options = short_options();
    options.sampler.temperature = 0.7;
    const auto completions = run(*model, options, 5, &head);
    std::vector<const Sequence*> batch;
    std::vector<float> sampled, values;
    for (const Completion& c : completions) {
      batch.push_back(&c.sequence);
      sampled.insert(sampled.end(), c.log_probs.begin(), c.log_probs.end());
      values.insert(values.end(), c.values.begin(), c.values.end());
    }
    const auto hidden = model->hidden(batch);
    const auto trained = linear_log_prob(hidden, model->head_weight(), model->head_bias(),
                                         completion_ids(batch), 1 / 0.7);
    CHECK(test::close(torch::tensor(sampled), trained.log_prob, test::kTolerance32));
    CHECK(test::close(torch::tensor(values), head.values(hidden), test::kTolerance32));
  }
}

TEST_CASE("generate: truncated sampling replayed over the kept ids is the training path",
          "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options("gru", 40, 1));
  for (const auto& [top_k, top_p, min_p] : {std::tuple(5, 1.0, 0.0), std::tuple(0, 0.7, 0.0),
                                            std::tuple(0, 1.0, 0.5), std::tuple(20, 0.8, 0.2)}) {
    GenerationOptions options = short_options();
    options.sampler.temperature = 0.8;
    options.sampler.top_k = top_k;
    options.sampler.top_p = top_p;
    options.sampler.min_p = min_p;
    options.record_kept = true;
    const auto completions = run(*model, options, 5);
    std::vector<const Sequence*> batch;
    std::vector<const IdSet*> kept;
    std::vector<float> sampled;
    for (const Completion& c : completions) {
      batch.push_back(&c.sequence);
      REQUIRE(c.kept.size() == c.log_probs.size());
      for (const IdSet& set : c.kept) kept.push_back(&set);
      sampled.insert(sampled.end(), c.log_probs.begin(), c.log_probs.end());
    }
    const auto trained = linear_log_prob(model->hidden(batch), model->head_weight(),
                                         model->head_bias(), completion_ids(batch), 1 / 0.8, kept);
    CHECK(test::close(torch::tensor(sampled), trained.log_prob, test::kTolerance32));
    const auto whole = linear_log_prob(model->hidden(batch), model->head_weight(),
                                       model->head_bias(), completion_ids(batch), 1 / 0.8);
    CHECK(test::max_difference(whole.log_prob, trained.log_prob) > 0.1);
  }
}

TEST_CASE("generate: a completion depends on its own key only, not on its batch", "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options());
  const auto together = run(*model, short_options());
  const Rng rng(3, Purpose::kSample);
  for (size_t p = 0; p < kPrompts.size(); ++p) {
    const auto alone = generate(*model, nullptr, {kPrompts[p]}, 4, short_options(),
                                {&rng, 7, static_cast<uint32_t>(100 + 4 * p)});
    for (size_t i = 0; i < 4; ++i)
      CHECK(alone[i].sequence.tokens == together[4 * p + i].sequence.tokens);
  }
  const auto other_step = generate(*model, nullptr, kPrompts, 4, short_options(), {&rng, 8, 100});
  CHECK(other_step[0].sequence.tokens != together[0].sequence.tokens);
  CHECK(together[0].sequence.tokens != together[1].sequence.tokens);
}

TEST_CASE("generate: greedy decoding takes the most probable token of the training path each time",
          "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options());
  GenerationOptions options = short_options();
  options.sampler.temperature = 0;
  for (const Completion& c : run(*model, options, 1)) {
    const auto hidden = model->hidden({&c.sequence});
    const auto best = (torch::mm(hidden, model->head_weight().t()) + model->head_bias()).argmax(1);
    CHECK(torch::equal(best, completion_ids({&c.sequence})));
  }
}

TEST_CASE("generate: no prompts, no completions", "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options());
  const Rng rng(3, Purpose::kSample);
  CHECK(generate(*model, nullptr, {}, 2, short_options(), {&rng, 0, 0}).empty());
}

TEST_CASE("generate: any of the end ids ends a completion", "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options("gru", 11));
  GenerationOptions options = short_options();
  options.end_ids = {2, 7};
  int ends_with_7 = 0;
  for (const Completion& c : run(*model, options, 20)) {
    const auto& tokens = c.sequence.tokens;
    const auto first = tokens.begin() + c.sequence.prompt_length;
    const auto ends = std::count(first, tokens.end(), 2) + std::count(first, tokens.end(), 7);
    CHECK(ends == (c.finished ? 1 : 0));
    ends_with_7 += c.finished && tokens.back() == 7 ? 1 : 0;
  }
  CHECK(ends_with_7 > 0);
}

TEST_CASE("generate: on_token tells every token in its order", "[rollout]") {
  const auto model = test::tiny_model(test::tiny_options("gru", 11));
  GenerationOptions options = short_options();
  std::map<int64_t, std::vector<int64_t>> told;
  options.on_token = [&](int64_t completion, int64_t id) { told[completion].push_back(id); };
  const auto completions = run(*model, options);
  for (size_t i = 0; i < completions.size(); ++i) {
    const Sequence& sequence = completions[i].sequence;
    CHECK(told[static_cast<int64_t>(i)] ==
          std::vector<int64_t>(sequence.tokens.begin() + sequence.prompt_length,
                               sequence.tokens.end()));
  }
}
