// Which characters two texts have in common, for readers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

enum class Edit { kEqual, kDelete, kInsert };

struct DiffRun {
  Edit edit;
  std::u32string text;
};

// How `from` becomes `to`: without the insertions the runs are `from`, without the deletions `to`.
// Neighbouring runs are of different kinds, a deletion stands before the insertion at its place,
// none is empty. The other direction gives the same runs with deletions and insertions exchanged.
//
// Characters are code points with their combining marks. The script is a shortest one (Myers 1986,
// An O(ND) difference algorithm), but pieces in common that are shorter than the changes on both of
// their sides count as changed, too: unrelated texts would else be a confetti of single letters.
// Texts that need more than kMaxEdits edits are taken as different from their first to their last
// difference.
std::vector<DiffRun> diff_texts(std::u32string_view from, std::u32string_view to);

constexpr int kMaxEdits = 1000;

}  // namespace pgtrain
