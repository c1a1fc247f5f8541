// Trains the experiment that is named on the command line, then says what the policy answers to a
// prompt and how near that is to the text that is wanted.
#include <cstdio>
#include <exception>

#include "rollout/generator.h"
#include "similarity/metric.h"
#include "tensor/blas.h"
#include "text/unicode.h"
#include "train/sampling.h"
#include "train/trainer.h"

int main(int argc, char** argv) {
  using namespace pgtrain;
  if (argc != 4) return std::fprintf(stderr, "usage: example CONFIG PROMPT TARGET\n"), 2;
  try {
    prepare_blas();
    Trainer trainer(load_experiment({argv[1]}, {"train.steps=5"}));
    const TrainOutcome outcome = trainer.run();

    Record record;
    record.prompt = argv[2];
    const Policy& policy = trainer.policy();
    GenerationOptions options;
    options.sampler.temperature = 0;
    options.end_ids = policy.tokenizer().end_ids();
    const Rng rng(1, Purpose::kSample);
    const auto completions = generate(
        policy.model(), nullptr, {policy.text().encode_prompt(record)}, 1, options, {&rng, 0, 0});
    const std::string text = completion_text(policy.tokenizer(), completions[0]);
    const std::u32string target = decode_utf8(argv[3]);
    const auto metric = make_metric("edit_similarity", MetricOptions());
    const double score = metric->value(metric->prepare({target})->statistics(decode_utf8(text)));
    std::printf("%lld steps; '%s' is %.3f of '%s'\n", static_cast<long long>(outcome.step),
                text.c_str(), score, argv[3]);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
