// What `pgtrain watch` shows of a run.
#pragma once

#include <string>
#include <vector>

#include "core/terminal.h"
#include "report/run_follower.h"

namespace pgtrain {

// A line of state (phase, step, rate, time left, name) and a plot for each column, one below the
// other in rows of equal height; columns for which there is no room are left out. Without columns:
// reward, eval_reward, kl, entropy and the mean length, as far as the run has them, and the loss
// during the warm-up. Training curves of 50 steps and more are smoothed. At most size.rows lines;
// `colour`: with SGR sequences, the only control characters in the text.
std::vector<std::string> watch_screen(const RunFollower& run,
                                      const std::vector<std::string>& columns, TerminalSize size,
                                      bool colour);

}  // namespace pgtrain
