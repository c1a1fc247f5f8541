// What several runs have come to, side by side.
#pragma once

#include <vector>

#include "report/html.h"
#include "report/report_run.h"

namespace pgtrain {

// A row for each run: results, and the keys in which the runs differ. More than a few keys get a
// table of their own, folded away, with a row for each.
Html comparison_section(const std::vector<ReportRun>& runs);

}  // namespace pgtrain
