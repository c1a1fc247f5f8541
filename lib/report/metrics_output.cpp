#include "report/metrics_output.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "metrics/row_reader.h"
#include "report/text_table.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kTableLines = 21;

struct TableColumn {
  std::string name;
  std::string label;
};

// 70 characters at most, with cells of up to 9.
const std::vector<TableColumn>& training_columns() {
  static const std::vector<TableColumn> columns = {{"reward", "reward"},
                                                   {"eval_reward", "eval_reward"},
                                                   {"kl", "kl"},
                                                   {"entropy", "entropy"},
                                                   {"grad_norm", "grad_norm"},
                                                   {"completions/mean_length", "length"},
                                                   {"completions/clipped_ratio", "clipped"}};
  return columns;
}

const std::vector<TableColumn>& evaluation_columns() {
  static const std::vector<TableColumn> columns = {{"eval_reward", "eval_reward"},
                                                   {"eval_reward_std", "std"},
                                                   {"eval_completions/mean_length", "length"},
                                                   {"eval_completions/clipped_ratio", "clipped"}};
  return columns;
}

const std::vector<TableColumn>& warmup_columns() {
  static const std::vector<TableColumn> columns = {{"loss", "loss"}, {"grad_norm", "grad_norm"}};
  return columns;
}

fs::path metrics_file(const fs::path& run) {
  const fs::path file = run / "metrics.jsonl";
  std::error_code error;
  if (!fs::exists(file, error))
    throw DataError(
        fmt::format("{}: is not the directory of a run that has started: it has no "
                    "metrics.jsonl",
                    run.string()));
  return file;
}

std::string phase_of(const Row& row) {
  const RowValue* phase = row.find("phase");
  const auto* name = phase == nullptr ? nullptr : std::get_if<std::string>(phase);
  return name == nullptr ? "" : *name;
}

bool is_wanted(const Row& row, const MetricsQuery& query) {
  if (!query.phase.empty() && phase_of(row) != query.phase) return false;
  return query.columns.empty() ||
         std::any_of(query.columns.begin(), query.columns.end(),
                     [&](const std::string& name) { return row.find(name) != nullptr; });
}

// What the wanted rows hold.
struct Contents {
  int64_t rows = 0;
  std::vector<std::string> columns;  // in the order of their first appearance
};

Contents look_through(const fs::path& file, const MetricsQuery& query) {
  Contents contents;
  std::unordered_set<std::string> known;
  read_rows(file, 0, [&](const Row& row) {
    if (!is_wanted(row, query)) return;
    ++contents.rows;
    for (const auto& [name, value] : row.values())
      if (known.insert(name).second) contents.columns.push_back(name);
  });
  return contents;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_columns(const fs::path& file, const MetricsQuery& query, const Contents& contents) {
  for (const std::string& name : query.columns) {
    if (holds(contents.columns, name)) continue;
    Contents all = contents;
    if (all.rows == 0) all = look_through(file, {query.phase, {}, 0});
    std::string known;
    for (const std::string& column : all.columns) known += " " + escape_text(column);
    throw ConfigError(fmt::format("--columns: no row {}has '{}'; there are:{}",
                                  query.phase.empty() ? "" : "of phase " + query.phase + " ",
                                  escape_text(name), known.empty() ? " no rows" : known));
  }
}

// Calls `see` for each wanted row that `contents` counted, the last ones only when so asked: a run
// may have gone on since.
void for_wanted_rows(const fs::path& file, const MetricsQuery& query, const Contents& contents,
                     const std::function<void(const Row&)>& see) {
  const int64_t first = query.last > 0 ? std::max<int64_t>(0, contents.rows - query.last) : 0;
  int64_t number = 0;
  read_rows(file, 0, [&](const Row& row) {
    if (!is_wanted(row, query)) return;
    if (number >= first && number < contents.rows) see(row);
    ++number;
  });
}

// ---- CSV ----

std::string csv_value(const RowValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return csv_field(*text);
  const double number = std::get<double>(value);
  return std::isfinite(number) ? json_number(number) : "NaN";
}

std::vector<std::string> csv_columns(const MetricsQuery& query, const Contents& contents) {
  std::vector<std::string> columns = {"step"};
  if (query.phase.empty()) columns.emplace_back("phase");
  // Each of `contents` is there once, of the query's perhaps not.
  for (const std::string& name : query.columns.empty() ? contents.columns : query.columns)
    if (name != "phase" && name != "step" && (query.columns.empty() || !holds(columns, name)))
      columns.push_back(name);
  return columns;
}

// ---- JSON ----

// Beyond ASCII there are only strings in a line of JSON.
std::string to_ascii(const std::string& json) {
  std::string out;
  for (const char32_t c : decode_utf8_lossy(json)) {
    if (c < 0x7f)
      out += static_cast<char>(c);
    else if (c < 0x10000)
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0U + (c >> 10), 0xdc00U + (c & 0x3ffU));
  }
  return out;
}

Row selected(const Row& row, const std::vector<std::string>& columns) {
  Row result;
  for (const auto& [name, value] : row.values())
    if (name == "phase" || name == "step" || holds(columns, name))
      std::visit([&, &key = name](const auto& v) { result.set(key, v); }, value);
  return result;
}

// ---- the table ----

struct TableLine {
  int64_t step = 0;
  bool is_warmup = false;
  std::vector<std::string> cells;
};

std::string table_cell(const RowValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return escape_text(*text);
  return fmt::format("{:.4g}", std::get<double>(value));
}

// What to show when nothing is asked for.
std::vector<TableColumn> main_columns(const MetricsQuery& query, const Contents& contents) {
  std::vector<TableColumn> columns =
      query.phase == "eval" ? evaluation_columns() : training_columns();
  const bool has_training =
      holds(contents.columns, "reward") || holds(contents.columns, "eval_reward");
  if (query.phase == "warmup" || !has_training) columns = warmup_columns();
  columns.erase(std::remove_if(columns.begin(), columns.end(),
                               [&](const TableColumn& column) {
                                 return !holds(contents.columns, column.name);
                               }),
                columns.end());
  return columns;
}

std::vector<TableLine> table_lines(const fs::path& file, const MetricsQuery& query,
                                   const Contents& contents,
                                   const std::vector<TableColumn>& columns) {
  std::vector<TableLine> lines;
  for_wanted_rows(file, {query.phase, query.columns, 0}, contents, [&](const Row& row) {
    const RowValue* step = row.find("step");
    const auto* number = step == nullptr ? nullptr : std::get_if<int64_t>(step);
    if (number == nullptr) return;
    const bool is_warmup = phase_of(row) == "warmup";
    if (lines.empty() || lines.back().step != *number || lines.back().is_warmup != is_warmup)
      lines.push_back({*number, is_warmup, std::vector<std::string>(columns.size())});
    for (size_t i = 0; i < columns.size(); ++i)
      if (const RowValue* value = row.find(columns[i].name))
        lines.back().cells[i] = table_cell(*value);
  });
  return lines;
}

// The least of 1, 2, 5, 10, 20, ... that leaves few enough of so many.
int64_t stride_for(int64_t count) {
  for (int64_t power = 1;; power *= 10)
    for (const int64_t factor : {1, 2, 5})
      if (count <= factor * power * kTableLines) return factor * power;
}

// By round steps; where these still leave too many (steps that repeat), by position.
void thin(std::vector<TableLine>& lines) {
  const TableLine last = lines.back();
  lines.pop_back();
  const int64_t stride = stride_for(last.step - lines.front().step + 1);
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [&](const TableLine& line) { return line.step % stride != 0; }),
              lines.end());
  std::vector<TableLine> kept;
  const auto spacing = static_cast<size_t>(stride_for(static_cast<int64_t>(lines.size()) / 2));
  for (size_t i = 0; i < lines.size(); i += spacing) kept.push_back(lines[i]);
  kept.push_back(last);
  lines = std::move(kept);
}

}  // namespace

std::string metrics_table(const fs::path& run, const MetricsQuery& query) {
  const fs::path file = metrics_file(run);
  const Contents contents = look_through(file, query);
  check_columns(file, query, contents);
  std::vector<TableColumn> columns = main_columns(query, contents);
  if (!query.columns.empty()) {
    columns.clear();
    for (const std::string& name : query.columns) columns.push_back({name, escape_text(name)});
  }
  std::vector<TableLine> lines = table_lines(file, query, contents, columns);
  // Without columns, the warm-up is shown only as long as there is nothing else.
  if (query.columns.empty() && !lines.empty() && !lines.back().is_warmup)
    lines.erase(std::remove_if(lines.begin(), lines.end(),
                               [](const TableLine& line) { return line.is_warmup; }),
                lines.end());
  if (lines.empty()) return "no rows yet\n";
  const bool has_both = std::any_of(lines.begin(), lines.end(), [&](const TableLine& line) {
    return line.is_warmup != lines[0].is_warmup;
  });
  const auto count = static_cast<int64_t>(lines.size());
  if (query.last > 0)
    lines.erase(lines.begin(), lines.begin() + std::max<int64_t>(0, count - query.last));
  else
    thin(lines);
  std::vector<std::vector<std::string>> table(1);
  if (has_both) table[0].emplace_back("phase");
  table[0].emplace_back("step");
  for (const TableColumn& column : columns) table[0].push_back(column.label);
  for (const TableLine& line : lines) {
    table.emplace_back();
    if (has_both) table.back().emplace_back(line.is_warmup ? "warmup" : "train");
    table.back().push_back(std::to_string(line.step));
    table.back().insert(table.back().end(), line.cells.begin(), line.cells.end());
  }
  return aligned_table(table, Align::kRight);
}

void write_metrics_csv(const fs::path& run, const MetricsQuery& query, const TextSink& sink) {
  const fs::path file = metrics_file(run);
  const Contents contents = look_through(file, query);
  check_columns(file, query, contents);
  const std::vector<std::string> columns = csv_columns(query, contents);
  std::vector<std::string> head;
  std::unordered_map<std::string, size_t> places;
  for (const std::string& name : columns) {
    places.emplace(name, head.size());
    head.push_back(csv_field(name));
  }
  sink(fmt::format("{}\n", fmt::join(head, ",")));
  for_wanted_rows(file, query, contents, [&](const Row& row) {
    std::vector<std::string> cells(columns.size());
    for (const auto& [name, value] : row.values())
      if (const auto found = places.find(name); found != places.end())
        cells[found->second] = csv_value(value);
    sink(fmt::format("{}\n", fmt::join(cells, ",")));
  });
}

void write_metrics_json(const fs::path& run, const MetricsQuery& query, const TextSink& sink) {
  const fs::path file = metrics_file(run);
  const Contents contents = look_through(file, query);
  check_columns(file, query, contents);
  for_wanted_rows(file, query, contents, [&](const Row& row) {
    sink(to_ascii(to_json_line(query.columns.empty() ? row : selected(row, query.columns))));
  });
}

}  // namespace pgtrain
