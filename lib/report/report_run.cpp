#include "report/report_run.h"
#include "report/run_figures.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "checkpoint/checkpoint_store.h"
#include "core/error.h"
#include "core/files.h"
#include "metrics/row_reader.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

double number_or_nan(const Row& row, const char* name) {
  const RowValue* value = row.find(name);
  if (value == nullptr || std::holds_alternative<std::string>(*value)) return std::nan("");
  return row.number(name);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<std::string> blocklists_of(const ExperimentConfig& config) {
  std::vector<std::string> names;
  for (const RewardPartOptions& part : config.reward)
    if (part.resolved_metric() == "blocklist") names.push_back(part.resolved_name());
  return names;
}

std::vector<CheckpointSummary> read_checkpoints(const fs::path& directory) {
  const CheckpointStore store(directory);
  std::vector<CheckpointSummary> result;
  for (const char* link : {"best", "latest"}) {
    const auto name = store.target(link);
    if (!name) continue;
    CheckpointSummary checkpoint;
    checkpoint.link = link;
    checkpoint.name = *name;
    const fs::path file = directory / *name / kManifestName;
    try {
      checkpoint.manifest = parse_manifest(read_file(file), file.string());
    } catch (const DataError& e) {
      checkpoint.problem = e.what();
    }
    result.push_back(std::move(checkpoint));
  }
  return result;
}

// The lines of a file that may be of any size, each cut to kMaxLogLine bytes.
template <class See>
void each_line(const fs::path& path, See see) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return;
  std::ifstream file(path, std::ios::binary);
  std::string chunk(size_t{1} << 16, '\0');
  std::string line;
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    std::string_view rest(chunk.data(), static_cast<size_t>(file.gcount()));
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      const std::string_view piece = rest.substr(0, end);
      line.append(piece.substr(0, kMaxLogLine - std::min(kMaxLogLine, line.size())));
      if (end == std::string_view::npos) break;
      see(line);
      line.clear();
      rest.remove_prefix(end + 1);
    }
  }
  if (!line.empty()) see(line);
}

}  // namespace

RunTiming read_timing(const fs::path& file) {
  RunTiming timing;
  std::map<int64_t, double> rates;
  read_rows(file, 0, [&](const Row& row) {
    const double seconds = number_or_nan(row, "step_time");
    if (std::isfinite(seconds)) timing.seconds += seconds;
    const RowValue* step = row.find("step");
    const double rate = number_or_nan(row, "tokens_per_second");
    if (step != nullptr && std::holds_alternative<int64_t>(*step) && std::isfinite(rate))
      rates[std::get<int64_t>(*step)] = rate;
  });
  for (const auto& [step, rate] : rates) {
    timing.tokens_per_second.steps.push_back(step);
    timing.tokens_per_second.values.push_back(rate);
  }
  timing.median_rate = median(timing.tokens_per_second.values);
  return timing;
}

LogExcerpt read_log(const fs::path& file) {
  LogExcerpt log;
  each_line(file, [&](const std::string& line) {
    if (log.first.empty()) log.first = line;
    log.last = line;
    if (line.find(" warning: ") == std::string::npos) return;
    ++log.warning_count;
    if (log.warnings.size() == kMaxWarnings) log.warnings.erase(log.warnings.begin());
    log.warnings.push_back(line);
  });
  return log;
}

ReportRun read_report_run(const fs::path& directory) {
  ReportRun run;
  run.record = read_run(directory);
  run.name = run.record.config.run.name;
  run.timing = read_timing(directory / "timing.jsonl");
  run.completions = read_completions(directory / "completions.jsonl", last_tenth_after(run.record),
                                     blocklists_of(run.record.config));
  run.log = read_log(directory / "train.log");
  run.checkpoints = read_checkpoints(directory / "checkpoints");
  return run;
}

}  // namespace pgtrain
