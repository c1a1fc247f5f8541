// The curves of the report.
#pragma once

#include <vector>

#include "report/html.h"
#include "report/report_run.h"

namespace pgtrain {

// All curves that the runs have, in groups under headings <h3>. One run: curves of one kind share a
// picture. Several: every curve has a picture, in which the run i is a line of style i.
Html charts_of(const std::vector<ReportRun>& runs);

// A short line as it is drawn for style i, for legends and tables.
Html line_key(int style);

}  // namespace pgtrain
