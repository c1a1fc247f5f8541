// The sections of the report about what a run is and what came of it. Each is empty when the run
// has nothing for it.
#pragma once

#include "report/html.h"
#include "report/report_run.h"

namespace pgtrain {

// The figures that sum up a run.
Html summary_section(const ReportRun& run);

// Mean held-out reward of each group of fairness.fields, first and last evaluation, and the gap.
Html fairness_section(const ReportRun& run);

// Warnings of train.log.
Html warnings_section(const ReportRun& run);

// Keys that differ from the defaults, and the whole configuration folded away.
Html configuration_section(const ReportRun& run);

// Versions, folder, first and last message, and the checkpoints with the hashes of their files.
Html provenance_section(const ReportRun& run);

}  // namespace pgtrain
