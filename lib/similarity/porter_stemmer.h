// The stemmer of Porter (Program 14(3), 1980) with the extensions of NLTK's PorterStemmer in its
// default mode, which rouge_score uses: a pool of irregular words, "ies" and "ied" of short words,
// y -> i after a consonant, "alli" before "ational", "fulli", "logi"; words of one or two letters
// stay.
#pragma once

#include <string>
#include <string_view>

namespace pgtrain {

// The stem of a word in lower case; every character that is not a, e, i, o, u or a y after a
// consonant counts as a consonant, digits too.
std::u32string porter_stem(std::u32string_view word);

}  // namespace pgtrain
