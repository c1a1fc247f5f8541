// Completions beside their targets, and what the blocklists found.
#pragma once

#include <string>

#include "report/html.h"
#include "report/report_run.h"

namespace pgtrain {

// The best, median and worst completions of the last evaluation, each with the differences from its
// target, its score parts and what the policy wrote for it at the first evaluation; those of the
// last tenth of training folded away; a histogram of the rewards from 20 completions on. Empty when
// the run logged none. heading: "h3" or "h4", of the parts.
Html completions_section(const ReportRun& run, std::string_view heading);

// How often each word of a blocklist was found in logged completions. Empty when none was.
Html words_section(const ReportRun& run);

}  // namespace pgtrain
