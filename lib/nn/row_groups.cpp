#include "nn/row_groups.h"

#include <algorithm>
#include <numeric>

namespace pgtrain {
namespace {

void append_results(const RowRun& run, std::vector<int64_t>& rows) {
  for (int64_t position = run.first; position < run.end; ++position)
    rows.push_back(run.result_at(position));
}

template <class F>
int64_t sum_of(const std::vector<RowGroup>& groups, const F& f) {
  return std::accumulate(groups.begin(), groups.end(), int64_t{0},
                         [&](int64_t sum, const RowGroup& group) { return sum + f(group); });
}

}  // namespace

int64_t RowGroup::rows() const { return std::accumulate(branches.begin(), branches.end(), trunk); }

int64_t RowGroup::longest() const {
  return trunk + (branches.empty() ? 0 : *std::max_element(branches.begin(), branches.end()));
}

std::vector<std::vector<RowRun>> runs_of(const std::vector<RowGroup>& groups) {
  std::vector<std::vector<RowRun>> result;
  int64_t row = 0;
  int64_t result_row = 0;
  const auto next = [&](int64_t begin, int64_t end, int64_t first) {
    const RowRun run{row, begin, end, first, result_row};
    row += end - begin;
    result_row += end - first;
    return run;
  };
  for (const RowGroup& group : groups) {
    std::vector<RowRun> runs = {next(0, group.trunk, group.first)};
    for (const int64_t branch : group.branches)
      runs.push_back(next(group.trunk, group.trunk + branch, group.trunk));
    result.push_back(std::move(runs));
  }
  return result;
}

int64_t row_count(const std::vector<RowGroup>& groups) {
  return sum_of(groups, [](const RowGroup& group) { return group.rows(); });
}

int64_t result_count(const std::vector<RowGroup>& groups) {
  return sum_of(groups, [](const RowGroup& group) { return group.results(); });
}

int64_t longest_text(const std::vector<RowGroup>& groups) {
  int64_t longest = 0;
  for (const RowGroup& group : groups) longest = std::max(longest, group.longest());
  return longest;
}

std::vector<int64_t> wanted_rows(const std::vector<RowGroup>& groups) {
  std::vector<int64_t> rows;
  for (const auto& runs : runs_of(groups))
    for (const RowRun& run : runs)
      for (int64_t position = run.first; position < run.end; ++position)
        rows.push_back(run.row_at(position));
  return rows;
}

std::vector<int64_t> rows_of_texts(const std::vector<RowGroup>& groups) {
  std::vector<int64_t> rows;
  for (const auto& runs : runs_of(groups)) {
    if (runs.size() == 1) append_results(runs[0], rows);
    for (size_t branch = 1; branch < runs.size(); ++branch) {
      append_results(runs[0], rows);
      append_results(runs[branch], rows);
    }
  }
  return rows;
}

}  // namespace pgtrain
