#include "nn/time_major.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace pgtrain {
namespace {

// A run that is being read.
struct Lane {
  const RowRun* run;
  const std::vector<RowRun>* group;  // a trunk's, whose branches follow it; null for a branch
  int64_t last;                      // end of the longest text that goes through it
  int64_t parent;                    // its lane in the step before
};

void sort_lanes(std::vector<Lane>& lanes) {
  std::stable_sort(lanes.begin(), lanes.end(),
                   [](const Lane& a, const Lane& b) { return a.last > b.last; });
}

// The lanes of the step at `position`, which is past the first.
std::vector<Lane> next_lanes(const std::vector<Lane>& lanes, int64_t position) {
  std::vector<Lane> next;
  for (size_t i = 0; i < lanes.size(); ++i) {
    const Lane& lane = lanes[i];
    const auto parent = static_cast<int64_t>(i);
    if (lane.run->end > position) {
      next.push_back({lane.run, lane.group, lane.last, parent});
    } else if (lane.group != nullptr) {
      for (size_t branch = 1; branch < lane.group->size(); ++branch) {
        const RowRun& run = (*lane.group)[branch];
        if (run.end > position) next.push_back({&run, nullptr, run.end, parent});
      }
    }
  }
  sort_lanes(next);
  return next;
}

// Undefined where each lane goes on from that of its own number.
at::Tensor parents_of(const std::vector<Lane>& lanes) {
  std::vector<int64_t> parents;
  bool goes_on = true;
  for (const Lane& lane : lanes) {
    goes_on = goes_on && lane.parent == static_cast<int64_t>(parents.size());
    parents.push_back(lane.parent);
  }
  return goes_on ? at::Tensor() : at::tensor(parents, at::kLong);
}

}  // namespace

std::vector<int64_t> TimeMajor::places() const {
  std::vector<int64_t> result(rows.size());
  for (size_t i = 0; i < rows.size(); ++i)
    result[static_cast<size_t>(rows[i])] = static_cast<int64_t>(i);
  return result;
}

TimeMajor time_major(const std::vector<RowGroup>& groups) {
  const auto runs = runs_of(groups);
  std::vector<Lane> lanes;
  for (size_t i = 0; i < groups.size(); ++i)
    lanes.push_back({&runs[i][0], &runs[i], groups[i].longest(), 0});
  sort_lanes(lanes);
  TimeMajor result;
  for (int64_t position = 0; !lanes.empty(); lanes = next_lanes(lanes, ++position)) {
    result.parents.push_back(position == 0 ? at::Tensor() : parents_of(lanes));
    result.sizes.push_back(static_cast<int64_t>(lanes.size()));
    for (const Lane& lane : lanes) result.rows.push_back(lane.run->row_at(position));
  }
  return result;
}

}  // namespace pgtrain
