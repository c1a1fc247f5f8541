#include "train/forward.h"

#include <algorithm>

#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

using Shards = std::vector<std::vector<int64_t>>;

// A prompt of the given tokens and a completion of zeros.
Sequence sequence_of(std::vector<int64_t> prompt, int64_t completion) {
  Sequence sequence{std::move(prompt), 0};
  sequence.prompt_length = static_cast<int64_t>(sequence.tokens.size());
  sequence.tokens.resize(sequence.tokens.size() + static_cast<size_t>(completion), 0);
  return sequence;
}

Shards shards_of(const std::vector<Sequence>& sequences, int64_t micro_batch) {
  return length_shards(test::pointers(sequences), micro_batch);
}

}  // namespace

TEST_CASE("shards: the longest first, equal lengths in their order, empty ones left out",
          "[train]") {
  const std::vector<Sequence> sequences = {
      sequence_of({1}, 2),    sequence_of({2}, 5), sequence_of({3}, 0), sequence_of({4}, 2),
      sequence_of({5, 6}, 4), sequence_of({7}, 1), sequence_of({8}, 9)};
  CHECK(shards_of(sequences, 2) == Shards{{6, 1}, {4, 0}, {3, 5}});
  CHECK(shards_of(sequences, 10) == Shards{{6, 1, 4, 0, 3, 5}});
  CHECK(shards_of({sequence_of({1}, 0)}, 2).empty());
  CHECK(shards_of({}, 2).empty());
}

TEST_CASE("shards: samples of a prompt together, ordered by the longest of them", "[train]") {
  // Prompt a of the rows 0, 2, 5, 7; its beginning b of 1, 4, 6; c of 3. Sizes 6 3 4 7, 9 2 0, 5.
  const std::vector<int64_t> a = {1, 2}, b = {1}, c = {1, 3};
  const std::vector<Sequence> sequences = {sequence_of(a, 4), sequence_of(b, 8), sequence_of(a, 1),
                                           sequence_of(c, 3), sequence_of(b, 1), sequence_of(a, 2),
                                           sequence_of(b, 0), sequence_of(a, 5)};
  CHECK(shards_of(sequences, 2) == Shards{{1, 4}, {7, 0}, {5, 2}, {3}});
  CHECK(shards_of(sequences, 4) == Shards{{1, 4, 7, 0}, {5, 2, 3}});
  // Other tokens in the same pattern give the same shards.
  std::vector<Sequence> renamed = sequences;
  for (Sequence& sequence : renamed)
    for (int64_t& token : sequence.tokens) token = 9 - token;
  CHECK(shards_of(renamed, 3) == shards_of(sequences, 3));
}

TEST_CASE("shards: tens of thousands of sequences", "[train]") {
  std::vector<Sequence> sequences;
  for (int64_t i = 0; i < 40000; ++i)
    sequences.push_back(sequence_of({1, 2, 3, i % 8 == 0 ? i : -1, i % 20000}, 1 + i % 7));
  const auto shards = shards_of(sequences, 16);
  CHECK(shards.size() == 2500);
  std::vector<int64_t> seen;
  for (const auto& shard : shards) seen.insert(seen.end(), shard.begin(), shard.end());
  std::sort(seen.begin(), seen.end());
  for (size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i] == static_cast<int64_t>(i));
}

TEST_CASE("frozen log-probabilities: rows keep their places when shards order them by prompt",
          "[train]") {
  std::vector<Sequence> sequences = test::random_sequences(14, 11, 6);
  for (size_t i = 3; i < sequences.size(); ++i) {  // three prompts, interleaved
    const Sequence& first = sequences[i % 3];
    auto& tokens = sequences[i].tokens;
    tokens.erase(tokens.begin(), tokens.begin() + sequences[i].prompt_length);
    tokens.insert(tokens.begin(), first.tokens.begin(), first.tokens.begin() + first.prompt_length);
    sequences[i].prompt_length = first.prompt_length;
  }
  SequenceBatch batch;
  batch.sequences = test::pointers(sequences);
  const at::Tensor mask = completion_mask(batch.sequences);
  WorkerPool pool(2);
  for (const char* kind : {"gru", "llama"}) {
    auto options = test::tiny_options(kind);
    if (options.is_llama()) options.num_heads = 2, options.intermediate_size = 6;
    const auto model = test::tiny_model(options);
    const at::Tensor alone =
        frozen_log_probs(*model, pool, batch, mask, 0.9, {Parallelism::kSequences, 1});
    for (const int64_t micro_batch : {3, 4, 20})
      for (const auto parallelism : {Parallelism::kSequences, Parallelism::kOperators})
        CHECK(test::close(
            frozen_log_probs(*model, pool, batch, mask, 0.9, {parallelism, micro_batch}), alone,
            test::kTolerance32));
  }
}
