#include "train/work_split.h"

#include "support/models.h"
#include "support/support.h"

using namespace pgtrain;

namespace {

ModelOptions smollm2_sizes() {
  ModelOptions options;
  options.kind = "llama";
  options.vocab_size = 49152;
  options.hidden_size = 576;
  options.num_layers = 30;
  options.num_heads = 9;
  options.num_kv_heads = 3;
  options.intermediate_size = 1536;
  options.tie_embeddings = true;
  return options;
}

// Mini-batches of at least 512 completions.
ExperimentConfig experiment(int64_t tokens, int64_t samples) {
  ExperimentConfig config;
  config.rollout.prompts_per_step = 512;
  config.rollout.max_new_tokens = tokens;
  config.rollout.samples_per_prompt = samples;
  return config;
}

}  // namespace

TEST_CASE("work split: what was asked for", "[train]") {
  ExperimentConfig config = experiment(8, 4);
  config.train.micro_batch = 7;
  for (const auto& options : {test::tiny_options(), smollm2_sizes()}) {
    config.run.parallel = "sequences";
    CHECK(split_work(config, options, 0).parallelism == Parallelism::kSequences);
    config.run.parallel = "operators";
    CHECK(split_work(config, options, 0).parallelism == Parallelism::kOperators);
    CHECK(split_work(config, options, 0).micro_batch == 7);
  }
}

TEST_CASE("work split: small networks share sequences, large ones operators", "[train]") {
  const ExperimentConfig config = experiment(32, 1);
  CHECK(split_work(config, test::tiny_options(), 0).parallelism == Parallelism::kSequences);
  CHECK(split_work(config, smollm2_sizes(), 0).parallelism == Parallelism::kOperators);
}

TEST_CASE("work split: micro-batches by memory, of whole groups", "[train]") {
  // 30 x (5 x 576 + 2 x 576 + 2 x 192 + 3 x 1536) + 49152 = 319,872 values a token; 80 Mi values.
  CHECK(split_work(experiment(16, 1), smollm2_sizes(), 0).micro_batch == 16);
  CHECK(split_work(experiment(16, 5), smollm2_sizes(), 0).micro_batch == 15);
  CHECK(split_work(experiment(16, 64), smollm2_sizes(), 0).micro_batch == 16);
  CHECK(split_work(experiment(1 << 20, 1), smollm2_sizes(), 0).micro_batch == 4);
  CHECK(split_work(experiment(1, 1), smollm2_sizes(), 0).micro_batch == 64);
  // Recurrent networks that share sequences: always 32.
  CHECK(split_work(experiment(1, 1), test::tiny_options(), 0).micro_batch == 32);
  CHECK(split_work(experiment(1 << 20, 1), test::tiny_options(), 0).micro_batch == 32);
  CHECK(split_work(experiment(32, 1), test::tiny_options("llama"), 0).micro_batch == 32);
  // Prompts count once for the samples of a group, and for each where groups are mixed: 270,720
  // values a prompt's token without the head. 13 samples of 16 tokens are 66.5 million of 83.9.
  CHECK(split_work(experiment(16, 13), smollm2_sizes(), 60).micro_batch == 13);
  CHECK(split_work(experiment(16, 1), smollm2_sizes(), 64).micro_batch == 4);
  ExperimentConfig mixed = experiment(16, 13);
  mixed.algorithm.mini_batches = 2;
  CHECK(split_work(mixed, smollm2_sizes(), 64).micro_batch == 4);
  // A mini-batch of 40 has more than one micro-batch.
  ExperimentConfig small = experiment(8, 4);
  small.rollout.prompts_per_step = 10;
  CHECK(split_work(small, test::tiny_options(), 0).micro_batch == 8);
  small.rollout.prompts_per_step = 1;
  CHECK(split_work(small, test::tiny_options(), 0).micro_batch == 4);
  // Logits alone: 16 Mi values.
  auto wide = test::tiny_options("llama", 1 << 17);
  ExperimentConfig config = experiment(16, 1);
  config.run.parallel = "operators";
  CHECK(split_work(config, wide, 0).micro_batch == 8);
}

TEST_CASE("work split: no more workers than shards, unless they share operators", "[train]") {
  ExperimentConfig config = experiment(8, 4);
  config.rollout.prompts_per_step = 3;
  config.rollout.shard_size = 4;
  config.warmup.batch_size = 1;
  CHECK(useful_workers(config, {Parallelism::kSequences, 12}, 8) == 3);
  CHECK(useful_workers(config, {Parallelism::kSequences, 3}, 8) == 4);
  CHECK(useful_workers(config, {Parallelism::kSequences, 1}, 8) == 8);
  CHECK(useful_workers(config, {Parallelism::kOperators, 12}, 8) == 8);
}
