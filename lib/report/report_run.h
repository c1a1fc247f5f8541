// Everything that the report shows of one run, read from its directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/manifest.h"
#include "report/completion_picks.h"
#include "report/run_record.h"

namespace pgtrain {

struct RunTiming {
  double seconds = 0;       // of all steps, also of those that a resumed run made again
  double median_rate = 0;   // tokens a second
  Curve tokens_per_second;  // of each step, the last time it was made
};

// First and last line and warnings of train.log; lines are cut to kMaxLogLine bytes.
struct LogExcerpt {
  std::string first;
  std::string last;
  int64_t warning_count = 0;
  std::vector<std::string> warnings;  // the last kMaxWarnings
};

constexpr size_t kMaxLogLine = 1000;
constexpr size_t kMaxWarnings = 20;

struct CheckpointSummary {
  std::string link;     // "best" or "latest"
  std::string name;     // step-000120
  Manifest manifest;    // as recorded; the files are not read
  std::string problem;  // why there is no manifest; else empty
};

struct ReportRun {
  RunRecord record;
  std::string name;
  RunTiming timing;
  CompletionLog completions;
  LogExcerpt log;
  std::vector<CheckpointSummary> checkpoints;
};

// Files that the run has not, or not yet, written are empty ones. Throws as read_run and read_rows.
ReportRun read_report_run(const std::filesystem::path& directory);

// Of a timing.jsonl. Throws as read_rows.
RunTiming read_timing(const std::filesystem::path& file);

// Of a train.log, read as a stream. A missing file is an empty one.
LogExcerpt read_log(const std::filesystem::path& file);

}  // namespace pgtrain
