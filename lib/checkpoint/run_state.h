// state.json of a checkpoint: the numbers that a resumed run must know, beside weights and
// optimiser state. Format: one JSON object with "schema": 2 and one key for each field of RunState,
// named as the field. Doubles are written with the digits that give the same bits back.
#pragma once

#include <cstdint>
#include <string>

namespace pgtrain {

struct RunState {
  std::string phase = "train";  // "warmup" or "train"
  int64_t step = 0;             // finished steps of that phase
  int64_t cursor_epoch = 0;     // prompt cursor of that phase
  int64_t cursor_position = 0;
  int64_t optimizer_steps = 0;
  double ema_baseline = 0;
  int64_t ema_count = 0;
  double kl_coef = 0;            // of algorithm.kl, moved by its controller
  double entropy_coef = 0;       // of the entropy bonus, moved by its controller
  double last_entropy = 0;       // mean over the tokens of the last step
  std::string start_digest;      // SHA-256 of the start policy's file; empty without one
  std::string reference_digest;  // of the weights of a reference checkpoint; likewise
  int64_t num_tokens = 0;
  bool has_best = false;
  double best_score = 0;  // 0 while has_best is false
  int64_t best_step = 0;
  int64_t nonfinite_in_a_row = 0;
  int64_t nonfinite_total = 0;
  uint64_t metrics_length = 0;      // bytes of metrics.jsonl
  uint64_t completions_length = 0;  // bytes of completions.jsonl

  // The text of state.json. InternalError when a double is not finite, a count negative, the
  // phase unknown or a digest not one.
  std::string to_json() const;
  // The reverse. Throws DataError that names `file` and the key: not JSON, a missing, unknown or
  // repeated key, a wrong type, a value out of range, or another schema version.
  static RunState from_json(const std::string& text, const std::string& file);
};

}  // namespace pgtrain
