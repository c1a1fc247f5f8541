// How texts lie in the rows of a packed pass: one after the other, without padding, and texts with
// the same beginning with one copy of its rows.
#pragma once

#include <cstdint>
#include <vector>

namespace pgtrain {

// The rows of one text (a trunk without branches) or of texts with the same beginning: those of the
// beginning, then those of each continuation.
struct RowGroup {
  int64_t trunk = 0;              // rows at the positions from 0; at least 1
  std::vector<int64_t> branches;  // rows of each at the positions from `trunk`; may be 0
  int64_t first = 0;  // the trunk's row from which results are wanted; of the branches all are

  int64_t rows() const;
  int64_t results() const { return rows() - first; }
  int64_t longest() const;  // positions of the longest text
};

// Rows at the positions [begin, end) one after the other: a trunk or a branch.
struct RowRun {
  int64_t row;         // at position begin
  int64_t begin, end;  // positions
  int64_t first;       // the first position with a result
  int64_t result;      // row of that result

  int64_t row_at(int64_t position) const { return row + position - begin; }
  int64_t result_at(int64_t position) const { return result + position - first; }
};

// For each group its trunk, then its branches.
std::vector<std::vector<RowRun>> runs_of(const std::vector<RowGroup>& groups);

int64_t row_count(const std::vector<RowGroup>& groups);
int64_t result_count(const std::vector<RowGroup>& groups);
int64_t longest_text(const std::vector<RowGroup>& groups);

// f(row, position) for every row, in their order.
template <class F>
void for_each_row(const std::vector<RowGroup>& groups, const F& f) {
  for (const auto& runs : runs_of(groups))
    for (const RowRun& run : runs)
      for (int64_t position = run.begin; position < run.end; ++position)
        f(run.row_at(position), position);
}

// The rows with results, in the order of the results.
std::vector<int64_t> wanted_rows(const std::vector<RowGroup>& groups);

// For the results of every text, text after text, the row in which they are among the results of
// the groups: those of a trunk come again for each of its branches.
std::vector<int64_t> rows_of_texts(const std::vector<RowGroup>& groups);

}  // namespace pgtrain
