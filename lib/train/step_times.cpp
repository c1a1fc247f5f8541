#include "train/step_times.h"

namespace pgtrain {

Row timing_row(int64_t step, const StepTimes& times) {
  Row row;
  row.set("step", step);
  row.set("step_time", times.step);
  row.set("tokens", times.tokens);
  row.set("collect_time", times.collect);
  row.set("decode_time", times.decode);
  row.set("score_time", times.score);
  row.set("advantages_time", times.advantages);
  row.set("update_time", times.update);
  row.set("gradient_time", times.gradient);
  row.set("optimizer_time", times.optimizer);
  row.set("tokens_per_second", static_cast<double>(times.tokens) / times.step);
  row.set("decode_gflop", 1e-9 * times.decode_flops);
  row.set("advantages_gflop", 1e-9 * times.advantages_flops);
  row.set("update_gflop", 1e-9 * times.update_flops);
  return row;
}

}  // namespace pgtrain
