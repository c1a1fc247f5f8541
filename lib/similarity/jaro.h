// Jaro and Jaro-Winkler similarity over code points as RapidFuzz 3 computes them.
#pragma once

#include <string_view>

namespace pgtrain {

// (c / n + c / m + (c - t) / c) / 3 with n, m the lengths, c the characters in common and t half of
// those of them that stand in another order. In common: each character of the reference takes the
// first equal one of the hypothesis that is not taken, at most max(n, m) / 2 - 1 places away. 1
// when both texts are empty, 0 when nothing is in common. O(n + m).
double jaro_similarity(std::u32string_view hypothesis, std::u32string_view reference);

// jaro + 0.1 p (1 - jaro) where jaro is above 0.7, with p = length of the common beginning, at most
// 4 (Winkler 1990).
double jaro_winkler_similarity(std::u32string_view hypothesis, std::u32string_view reference);

}  // namespace pgtrain
