// The rows of metrics.jsonl for people and for other programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

struct MetricsQuery {
  std::string phase;                 // "warmup", "train" or "eval"; empty = all
  std::vector<std::string> columns;  // empty = those of the form of output
  int64_t last = 0;                  // only so many rows from the end; 0 = all
};

// Gets the output piece by piece, each of whole lines.
using TextSink = std::function<void(std::string_view)>;

// All of these throw DataError when the folder holds no metrics.jsonl or that cannot be read, and
// ConfigError when a column is in none of the rows asked for. What has no visible form in names and
// texts is escaped.

// An aligned table: a line for each step, an evaluation in the line of its step. Without columns
// the main ones (of the warm-up as long as there is nothing else), within 80 characters a line.
// Without `last`, about 20 lines: steps that are multiples of 1, 2 or 5 times a power of ten, and
// the last.
std::string metrics_table(const std::filesystem::path& run, const MetricsQuery& query);

// Comma-separated values (RFC 4180, with line feeds): a line of names, "step" first, then "phase"
// unless one is asked for, then the columns in the order in which they first appear; then the rows,
// numbers as in the file, NaN for what was not finite, empty where a row lacks the column.
void write_metrics_csv(const std::filesystem::path& run, const MetricsQuery& query,
                       const TextSink& sink);

// The rows in their JSON form, a line each, in ASCII; with columns, those and phase and step. Rows
// that have none of the columns are left out.
void write_metrics_json(const std::filesystem::path& run, const MetricsQuery& query,
                        const TextSink& sink);

}  // namespace pgtrain
