#include "similarity/ter.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <tuple>

#include "core/error.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

using Words = std::vector<uint32_t>;

constexpr int64_t kMaxShiftSize = 10;
constexpr int64_t kMaxShiftDistance = 50;
constexpr int64_t kMaxCandidates = 1000;
constexpr int64_t kBeamWidth = 25;
constexpr int32_t kInfinite = std::numeric_limits<int32_t>::max() / 2;

enum class Edit : uint8_t { kMatch, kSubstitute, kDelete, kInsert, kNone };

int64_t size_of(const Words& words) { return static_cast<int64_t>(words.size()); }

// The edit distance inside the beam, for hypotheses of one length: row i holds the costs of the
// first i words of the hypothesis against beginnings of the reference, for columns [begin, end)
// only.
class BeamEditDistance {
 public:
  BeamEditDistance(const Words& reference, int64_t hypothesis_length)
      : reference_(reference), rows_(static_cast<size_t>(hypothesis_length) + 1) {
    const int64_t columns = size_of(reference) + 1;
    const double ratio = hypothesis_length == 0 ? 1.0
                                                : static_cast<double>(size_of(reference)) /
                                                      static_cast<double>(hypothesis_length);
    const int64_t width = kBeamWidth < ratio / 2
                              ? static_cast<int64_t>(std::ceil(ratio / 2 + kBeamWidth))
                              : kBeamWidth;
    rows_[0] = {0, columns, 0};
    int64_t offset = columns;
    for (int64_t i = 1; i <= hypothesis_length; ++i) {
      const auto diagonal = static_cast<int64_t>(std::floor(static_cast<double>(i) * ratio));
      const int64_t begin = std::max<int64_t>(0, diagonal - width);
      const int64_t end = i == hypothesis_length ? columns : std::min(columns, diagonal + width);
      rows_[at(i)] = {begin, end, offset};
      offset += end - begin;
    }
    costs_.resize(at(offset));
    edits_.resize(at(offset), Edit::kInsert);
    above_.assign(at(columns) + 1, kInfinite);
    current_.assign(at(columns) + 1, kInfinite);
    for (int64_t j = 0; j < columns; ++j) costs_[at(j)] = static_cast<int32_t>(j);
  }

  // Fills the matrix for the words that all candidates of one round are shifts of.
  int32_t set_base(const Words& hypothesis) {
    load_row(0);
    for (int64_t i = 1; i <= size_of(hypothesis); ++i) {
      compute_row<true>(hypothesis[at(i - 1)], i);
      const Row& row = rows_[at(i)];
      std::copy(above_.begin() + row.begin, above_.begin() + row.end, costs_.begin() + row.offset);
    }
    return above_[reference_.size()];
  }

  // The distance of words that equal the base before word `first_changed`.
  int32_t distance(const Words& hypothesis, int64_t first_changed) {
    load_row(first_changed);
    for (int64_t i = first_changed + 1; i <= size_of(hypothesis); ++i)
      compute_row<false>(hypothesis[at(i - 1)], i);
    return above_[reference_.size()];
  }

  // The edits of the base from its first word to its last.
  std::vector<Edit> base_edits() const {
    std::vector<Edit> edits;
    int64_t i = static_cast<int64_t>(rows_.size()) - 1;
    int64_t j = size_of(reference_);
    while (i > 0 || j > 0) {
      const Row& row = rows_[at(i)];
      PG_CHECK(j >= row.begin && j < row.end, "the path leaves the beam");
      const Edit edit = edits_[at(row.offset + j - row.begin)];
      edits.push_back(edit);
      if (edit != Edit::kInsert) --i;
      if (edit != Edit::kDelete) --j;
    }
    std::reverse(edits.begin(), edits.end());
    return edits;
  }

 private:
  struct Row {
    int64_t begin;
    int64_t end;
    int64_t offset;  // of column `begin` in costs_ and edits_
  };

  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  // Puts row i of the base into above_, ready for row i + 1.
  void load_row(int64_t i) {
    const Row& row = rows_[at(i)];
    std::copy(costs_.begin() + row.offset, costs_.begin() + row.offset + (row.end - row.begin),
              above_.begin() + row.begin);
    fence(above_, i);
  }

  // The next row reads one column before this row's first and up to its own end.
  void fence(std::vector<int32_t>& costs, int64_t i) const {
    const Row& row = rows_[at(i)];
    if (row.begin > 0) costs[at(row.begin - 1)] = kInfinite;
    if (at(i) + 1 < rows_.size())
      for (int64_t j = row.end; j < rows_[at(i) + 1].end; ++j) costs[at(j)] = kInfinite;
  }

  // Row i from above_, left in above_. Of equal costs match or substitution comes first, then
  // deletion, then insertion.
  template <bool kKeepEdits>
  void compute_row(uint32_t word, int64_t i) {
    const Row& row = rows_[at(i)];
    int32_t left = kInfinite;
    for (int64_t j = row.begin; j < row.end; ++j) {
      int32_t cost = kInfinite;
      Edit edit = Edit::kNone;
      if (j > 0) {
        const bool same = word == reference_[at(j - 1)];
        cost = above_[at(j - 1)] + !same;
        edit = same ? Edit::kMatch : Edit::kSubstitute;
      }
      if (above_[at(j)] + 1 < cost) {
        cost = above_[at(j)] + 1;
        edit = Edit::kDelete;
      }
      if (left + 1 < cost) {
        cost = left + 1;
        edit = Edit::kInsert;
      }
      left = cost;
      current_[at(j)] = cost;
      if (kKeepEdits) edits_[at(row.offset + j - row.begin)] = edit;
    }
    fence(current_, i);
    above_.swap(current_);
  }

  const Words& reference_;
  std::vector<Row> rows_;
  std::vector<int32_t> costs_;
  std::vector<Edit> edits_;
  std::vector<int32_t> above_;
  std::vector<int32_t> current_;
};

// Where the words of the reference lie in the hypothesis, and which words take part in an error.
struct Alignment {
  std::vector<int64_t> position;  // of each reference word; -1 = before the first
  // Errors among the first i words.
  std::vector<int64_t> hypothesis_errors = {0};
  std::vector<int64_t> reference_errors = {0};
};

Alignment align(const std::vector<Edit>& edits) {
  Alignment result;
  int64_t position = -1;
  for (const Edit edit : edits) {
    const int64_t error = edit == Edit::kMatch ? 0 : 1;
    if (edit != Edit::kInsert) {
      ++position;
      result.hypothesis_errors.push_back(result.hypothesis_errors.back() + error);
    }
    if (edit != Edit::kDelete) {
      result.position.push_back(position);
      result.reference_errors.push_back(result.reference_errors.back() + error);
    }
  }
  return result;
}

// Moves words [start, start + length) so that they stand before the word that was at `target`.
void shift_into(Words& result, const Words& words, int64_t start, int64_t length, int64_t target) {
  const auto first = words.begin();
  const int64_t size = size_of(words);
  result.clear();
  const auto append = [&](int64_t from, int64_t to) {
    from = std::min(from, size);
    to = std::min(to, size);
    if (from < to) result.insert(result.end(), first + from, first + to);
  };
  if (target < start) {
    append(0, target);
    append(start, start + length);
    append(target, start);
    append(start + length, size);
  } else if (target > start + length) {
    append(0, start);
    append(start + length, target);
    append(start, start + length);
    append(target, size);
  } else {  // within itself: over the words behind it
    append(0, start);
    append(start + length, length + target);
    append(start, start + length);
    append(length + target, size);
  }
}

struct Shift {
  int32_t gain = 0;
  int64_t length = 0;
  int64_t start = 0;
  int64_t target = 0;

  // Tercom's ranking: the largest gain, the longest match, the earliest match, the earliest target.
  bool better_than(const Shift& other) const {
    return std::make_tuple(gain, length, -start, -target) >
           std::make_tuple(other.gain, other.length, -other.start, -other.target);
  }
};

// One round of the greedy search.
class ShiftSearch {
 public:
  ShiftSearch(const Words& hypothesis, const Words& reference, BeamEditDistance& distance,
              int64_t& candidates)
      : hypothesis_(hypothesis),
        reference_(reference),
        distance_(distance),
        candidates_(candidates),
        base_(distance.set_base(hypothesis)),
        alignment_(align(distance.base_edits())) {}

  // The best shift; its length is 0 when there is none to try.
  Shift run() {
    for (int64_t h = 0; h < size_of(hypothesis_); ++h) {
      const int64_t first = std::max<int64_t>(0, h - kMaxShiftDistance);
      const int64_t last = std::min(size_of(reference_), h + kMaxShiftDistance + 1);
      for (int64_t r = first; r < last; ++r) {
        for (int64_t length = 1; length <= kMaxShiftSize && matches(h, r, length); ++length) {
          if (!worth_trying(h, r, length)) continue;
          try_targets(h, r, length);
          if (candidates_ >= kMaxCandidates) return best_;
        }
      }
    }
    return best_;
  }

 private:
  // Given that the words before the last one match.
  bool matches(int64_t h, int64_t r, int64_t length) const {
    return h + length <= size_of(hypothesis_) && r + length <= size_of(reference_) &&
           hypothesis_[static_cast<size_t>(h + length - 1)] ==
               reference_[static_cast<size_t>(r + length - 1)];
  }

  static int64_t errors_in(const std::vector<int64_t>& errors, int64_t first, int64_t length) {
    return errors[static_cast<size_t>(first + length)] - errors[static_cast<size_t>(first)];
  }

  // Both places hold an error, and the words do not go into themselves.
  bool worth_trying(int64_t h, int64_t r, int64_t length) const {
    if (errors_in(alignment_.hypothesis_errors, h, length) == 0) return false;
    if (errors_in(alignment_.reference_errors, r, length) == 0) return false;
    const int64_t position = alignment_.position[static_cast<size_t>(r)];
    return position < h || position >= h + length;
  }

  void try_targets(int64_t h, int64_t r, int64_t length) {
    int64_t previous = -1;
    for (int64_t offset = -1; offset < length; ++offset) {
      const int64_t target =
          r + offset == -1 ? 0 : alignment_.position[static_cast<size_t>(r + offset)] + 1;
      if (target == previous) continue;
      previous = target;
      shift_into(shifted_, hypothesis_, h, length, target);
      const int32_t cost = distance_.distance(shifted_, std::min(h, target));
      const Shift shift{base_ - cost, length, h, target};
      ++candidates_;
      if (best_.length == 0 || shift.better_than(best_)) best_ = shift;
    }
  }

  const Words& hypothesis_;
  const Words& reference_;
  BeamEditDistance& distance_;
  int64_t& candidates_;
  int32_t base_;
  Alignment alignment_;
  Words shifted_;
  Shift best_;
};

}  // namespace

int64_t translation_edits(const std::vector<uint32_t>& hypothesis,
                          const std::vector<uint32_t>& reference) {
  if (reference.empty()) return size_of(hypothesis);
  BeamEditDistance distance(reference, size_of(hypothesis));
  Words words = hypothesis;
  Words shifted;
  int64_t shifts = 0;
  int64_t candidates = 0;
  while (true) {
    const Shift best = ShiftSearch(words, reference, distance, candidates).run();
    if (candidates >= kMaxCandidates || best.gain <= 0) break;
    shift_into(shifted, words, best.start, best.length, best.target);
    words.swap(shifted);
    ++shifts;
  }
  return shifts + distance.set_base(words);
}

double ter_score(const TerStatistics& statistics) {
  if (statistics.reference_length > 0)
    return 100 * (static_cast<double>(statistics.edits) / statistics.reference_length);
  return statistics.edits > 0 ? 100 : 0;
}

Ter::Ter(const TerTokenizerOptions& options, const std::vector<std::u32string_view>& references)
    : options_(options) {
  PG_CHECK(!references.empty(), "no reference");
  for (const auto reference : references) {
    // Twice, as sacreBLEU does with references but not with hypotheses: "it's" before a tab is one
    // word after the first pass and two after the second.
    const std::u32string once = ter_tokenize(options_, strip_right(reference));
    const std::u32string text = ter_tokenize(options_, once);
    references_.push_back(vocabulary_.add(split_on_space(text)));
  }
}

TerStatistics Ter::statistics(std::u32string_view hypothesis) const {
  const std::u32string text = ter_tokenize(options_, strip_right(hypothesis));
  const Words words = vocabulary_.find(split_on_space(text));
  TerStatistics result;
  result.edits = std::numeric_limits<int64_t>::max();
  int64_t length = 0;
  for (const Words& reference : references_) {
    result.edits = std::min(result.edits, translation_edits(words, reference));
    length += size_of(reference);
  }
  result.reference_length = static_cast<double>(length) / static_cast<double>(references_.size());
  return result;
}

}  // namespace pgtrain
