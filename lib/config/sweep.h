// A sweep: the runs that grids, random draws and seeds make of one experiment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgtrain {

struct SweepOptions {
  std::vector<std::string> fixed;   // "key=value" of every run
  std::vector<std::string> grid;    // "key=LIST" (parse_value_list): every combination
  std::vector<std::string> sample;  // "key=DRAW" (Draw): drawn `random` times, independently
  int64_t random = 0;               // draws; each is combined with the whole grid
  int64_t sample_seed = 1;
  std::string seeds;  // LIST of run.seed; "" = what the experiment says
};

struct SweepRun {
  std::string id;
  std::vector<std::string> overrides;  // "key=value", in the order of the keys
};

// All combinations: the first grid changes slowest, then come the draws, then the seeds. Draw k of
// a key depends on the seed, the key and k only, so more draws or other keys leave it as it is; a
// draw that repeats an earlier one makes no run. Throws ConfigError that names the flag: a list or
// draw that cannot be read, a value or key that is given twice, a key that is not the user's to set
// (run.name, run.directory, run.threads), more than kMaxSweepRuns.
std::vector<SweepRun> plan_sweep(const SweepOptions& options);

// Names a run by what it is: the last words of the swept keys with their values, as far as 60
// characters allow, and 10 hexadecimal digits of the SHA-256 of all overrides. Letters, digits,
// '.', '_', '+' and '-' only. The order of the overrides and the spelling of numbers do not matter.
std::string run_id(const std::vector<std::string>& swept, const std::vector<std::string>& fixed);

}  // namespace pgtrain
