#include "report/text_diff.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <iterator>

namespace pgtrain {
namespace {

using Characters = std::vector<std::u32string_view>;

bool is_mark(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0; }

Characters characters_of(std::u32string_view text) {
  Characters result;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && is_mark(text[end])) ++end;
    result.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

// One character of the script.
struct Step {
  Edit edit;
  std::u32string_view text;
};
using Script = std::vector<Step>;

// Furthest points by diagonal k = x - y, after each number of edits d: row d holds those of
// -d, -d + 2, ... d.
using Trace = std::vector<std::vector<int>>;

int furthest(const std::vector<int>& row, int d, int k) {
  return row[static_cast<size_t>((k + d) / 2)];
}

// Whether the best path to diagonal k with d edits comes from k + 1, by an insertion.
bool comes_by_insertion(const std::vector<int>& before, int d, int k) {
  return k == -d || (k != d && furthest(before, d - 1, k - 1) < furthest(before, d - 1, k + 1));
}

// Empty when more than kMaxEdits are needed.
Trace search(const Characters& from, const Characters& to) {
  const auto n = static_cast<int>(from.size());
  const auto m = static_cast<int>(to.size());
  Trace trace;
  for (int d = 0; d <= std::min(n + m, kMaxEdits); ++d) {
    std::vector<int> row;
    bool is_done = false;
    for (int k = -d; k <= d; k += 2) {
      int x = 0;
      if (d > 0)
        x = comes_by_insertion(trace.back(), d, k) ? furthest(trace.back(), d - 1, k + 1)
                                                   : furthest(trace.back(), d - 1, k - 1) + 1;
      while (x < n && x - k >= 0 && x - k < m &&
             from[static_cast<size_t>(x)] == to[static_cast<size_t>(x - k)])
        ++x;
      row.push_back(x);
      is_done = is_done || (x >= n && x - k >= m);
    }
    trace.push_back(std::move(row));
    if (is_done) return trace;
  }
  return {};
}

Script walk_back(const Trace& trace, const Characters& from, const Characters& to) {
  Script script;
  auto x = static_cast<int>(from.size());
  auto y = static_cast<int>(to.size());
  const auto equal_down_to = [&](int begin) {
    for (; x > begin; --x, --y) script.push_back({Edit::kEqual, from[static_cast<size_t>(x - 1)]});
  };
  for (int d = static_cast<int>(trace.size()) - 1; d > 0; --d) {
    const std::vector<int>& before = trace[static_cast<size_t>(d - 1)];
    const int k = x - y;
    if (comes_by_insertion(before, d, k)) {
      equal_down_to(furthest(before, d - 1, k + 1));
      script.push_back({Edit::kInsert, to[static_cast<size_t>(--y)]});
    } else {
      equal_down_to(furthest(before, d - 1, k - 1) + 1);
      script.push_back({Edit::kDelete, from[static_cast<size_t>(--x)]});
    }
  }
  equal_down_to(0);
  std::reverse(script.begin(), script.end());
  return script;
}

void append(Script& script, Edit edit, const Characters& characters) {
  for (const auto character : characters) script.push_back({edit, character});
}

Script middle_script(const Characters& from, const Characters& to) {
  const Trace trace = search(from, to);
  if (!trace.empty()) return walk_back(trace, from, to);
  Script script;
  append(script, Edit::kDelete, from);
  append(script, Edit::kInsert, to);
  return script;
}

// The script of two texts, the ends that they share left out of the search.
Script script_of(const Characters& from, const Characters& to) {
  const auto ends = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  const auto back = std::mismatch(from.rbegin(), std::make_reverse_iterator(ends.first),
                                  to.rbegin(), std::make_reverse_iterator(ends.second));
  Script script;
  append(script, Edit::kEqual, {from.begin(), ends.first});
  const Script middle =
      middle_script({ends.first, back.first.base()}, {ends.second, back.second.base()});
  script.insert(script.end(), middle.begin(), middle.end());
  append(script, Edit::kEqual, {back.first.base(), from.end()});
  return script;
}

// An equal piece, or what was deleted and inserted between two of them.
struct Block {
  std::u32string equal;
  std::u32string deleted;
  std::u32string inserted;

  bool is_equal() const { return !equal.empty(); }
  size_t changes() const { return std::max(deleted.size(), inserted.size()); }
};

std::vector<Block> blocks_of(const Script& script) {
  std::vector<Block> blocks;
  for (const Step& step : script) {
    const bool is_equal = step.edit == Edit::kEqual;
    if (blocks.empty() || blocks.back().is_equal() != is_equal) blocks.emplace_back();
    Block& block = blocks.back();
    (is_equal                     ? block.equal
     : step.edit == Edit::kDelete ? block.deleted
                                  : block.inserted) += step.text;
  }
  return blocks;
}

// Blocks alternate; an equal one between two smaller changes stays.
std::vector<Block> without_confetti(const std::vector<Block>& blocks) {
  std::vector<Block> kept;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    const bool follows_change = !kept.empty() && !kept.back().is_equal();
    const bool is_confetti =
        block.is_equal() && follows_change && i + 1 < blocks.size() &&
        block.equal.size() < std::min(kept.back().changes(), blocks[i + 1].changes());
    if (is_confetti) {
      kept.back().deleted += block.equal;
      kept.back().inserted += block.equal;
    } else if (!block.is_equal() && follows_change) {
      kept.back().deleted += block.deleted;
      kept.back().inserted += block.inserted;
    } else {
      kept.push_back(block);
    }
  }
  return kept;
}

}  // namespace

std::vector<DiffRun> diff_texts(std::u32string_view from, std::u32string_view to) {
  // Of several shortest scripts the search prefers one by the direction: it is always the same one.
  const bool is_swapped = to < from;
  if (is_swapped) std::swap(from, to);
  std::vector<DiffRun> runs;
  const auto add = [&](Edit edit, const std::u32string& run) {
    if (!run.empty()) runs.push_back({edit, run});
  };
  for (const Block& block :
       without_confetti(blocks_of(script_of(characters_of(from), characters_of(to))))) {
    add(Edit::kEqual, block.equal);
    add(Edit::kDelete, is_swapped ? block.inserted : block.deleted);
    add(Edit::kInsert, is_swapped ? block.deleted : block.inserted);
  }
  return runs;
}

}  // namespace pgtrain
