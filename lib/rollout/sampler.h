// Draws the next token from a row of logits.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/id_set.h"

namespace pgtrain {

class Section;

struct SamplerOptions {
  double temperature = 1.0;  // logits are divided by it; 0 = always the most probable token
  int64_t top_k = 0;         // only the k most probable tokens; 0 = all
  double top_p =
      1.0;  // only the smallest set of most probable tokens with at least this probability; 1 = all
  double min_p = 0;  // only tokens at least this share as probable as the most probable; 0 = all
  double repetition_penalty =
      1.0;  // above 1: tokens that occurred already become less probable; 1 = off
  int64_t no_repeat_ngram =
      0;  // no token that would complete an n-gram which occurred already; 0 = off
};

struct Draw {
  int64_t id = 0;
  float log_prob =
      0;  // under the distribution that was sampled from, after all rules; 0 when greedy
};

// The rules in their order, as in Hugging Face's logits processors: repetition penalty (Keskar et
// al. 2019: positive logits are divided, negative ones multiplied), n-gram ban, temperature, top-k,
// top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024). The token whose cumulated probability
// first exceeds u is taken: in the order of ids, or from the most probable down when truncated.
// Ties at the k-th place and in top-p go to the smaller id.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options) {}
  // logits: n values, overwritten. u in [0, 1). history: the ids so far, prompt included; read only
  // when a repetition rule is on. If an n-gram ban leaves nothing, it is dropped. Throws
  // DivergenceError when the logits hold no finite maximum. kept, when not null, becomes the set of
  // ids that could have been drawn: all when truncates() is false.
  Draw draw(float* logits, int64_t n, double u, const std::vector<int64_t>& history,
            IdSet* kept = nullptr) const;
  // Some rule may leave tokens out.
  bool truncates() const;

 private:
  Draw draw_from_all(float* logits, int64_t n, double u) const;
  Draw draw_truncated(const float* logits, int64_t n, double u, IdSet* kept) const;
  // A superset of the ids that the rules keep, the most probable one among them.
  struct Candidates {
    std::vector<int64_t> ids;
    double all =
        0;  // sum of exp((logit - largest) / temperature) over all ids, where top-p needs it
  };
  Candidates candidates(const float* logits, int64_t n) const;
  void discourage_repetition(float* logits, int64_t n, const std::vector<int64_t>& history) const;

  SamplerOptions options_;
};

}  // namespace pgtrain
