#include "similarity/porter_stemmer.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace pgtrain {
namespace {

using Word = std::u32string;
using View = std::u32string_view;

bool is_vowel_letter(char32_t c) { return View(U"aeiou").find(c) != View::npos; }

// For each letter whether it is a consonant: no vowel, and a y only at the beginning or after a
// vowel.
std::vector<bool> consonants(View word) {
  std::vector<bool> result;
  result.reserve(word.size());
  for (const char32_t c : word)
    result.push_back(c == U'y' ? result.empty() || !result.back() : !is_vowel_letter(c));
  return result;
}

// m of [C](VC){m}[V].
int measure(View word) {
  const auto consonant = consonants(word);
  int count = 0;
  for (size_t i = 1; i < consonant.size(); ++i) count += !consonant[i - 1] && consonant[i];
  return count;
}

bool has_vowel(View word) {
  const auto consonant = consonants(word);
  return std::find(consonant.begin(), consonant.end(), false) != consonant.end();
}

bool ends_in_consonant(View word) { return !word.empty() && consonants(word).back(); }

bool ends_in_double_consonant(View word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && ends_in_consonant(word);
}

// *o: consonant, vowel, consonant other than w, x, y; or a word of vowel and consonant.
bool ends_cvc(View word) {
  const auto c = consonants(word);
  const size_t n = word.size();
  if (n == 2) return !c[0] && c[1];
  return n >= 3 && c[n - 3] && !c[n - 2] && c[n - 1] &&
         View(U"wxy").find(word[n - 1]) == View::npos;
}

bool ends_with(View word, View suffix) {
  return word.size() >= suffix.size() && word.substr(word.size() - suffix.size()) == suffix;
}

View without(View word, size_t letters) { return word.substr(0, word.size() - letters); }

bool always(View) { return true; }
bool measure_above_0(View stem) { return measure(stem) > 0; }
bool measure_above_1(View stem) { return measure(stem) > 1; }

struct Rule {
  View suffix;
  View replacement;
  bool (*condition)(View stem);
};

// Only the first rule whose suffix the word has is looked at.
template <size_t n>
Word apply(const Word& word, const std::array<Rule, n>& rules) {
  for (const Rule& rule : rules) {
    if (!ends_with(word, rule.suffix)) continue;
    const View stem = without(word, rule.suffix.size());
    if (!rule.condition(stem)) return word;
    return Word(stem).append(rule.replacement);
  }
  return word;
}

Word step_1a(const Word& word) {
  if (ends_with(word, U"ies") && word.size() == 4) return Word(without(word, 1));
  static constexpr std::array<Rule, 4> kRules = {{{U"sses", U"ss", always},
                                                  {U"ies", U"i", always},
                                                  {U"ss", U"ss", always},
                                                  {U"s", U"", always}}};
  return apply(word, kRules);
}

// After "ed" or "ing" is gone.
Word restore_end(const Word& stem) {
  if (ends_with(stem, U"at") || ends_with(stem, U"bl") || ends_with(stem, U"iz"))
    return stem + U'e';
  if (ends_in_double_consonant(stem))
    return View(U"lsz").find(stem.back()) == View::npos ? Word(without(stem, 1)) : stem;
  return measure(stem) == 1 && ends_cvc(stem) ? stem + U'e' : stem;
}

Word step_1b(const Word& word) {
  if (ends_with(word, U"ied")) return Word(without(word, word.size() == 4 ? 1 : 2));
  if (ends_with(word, U"eed")) return measure(without(word, 3)) > 0 ? Word(without(word, 1)) : word;
  for (const View suffix : {View(U"ed"), View(U"ing")}) {
    if (!ends_with(word, suffix)) continue;
    const View stem = without(word, suffix.size());
    if (has_vowel(stem)) return restore_end(Word(stem));
  }
  return word;
}

Word step_1c(const Word& word) {
  static constexpr std::array<Rule, 1> kRules = {
      {{U"y", U"i", [](View stem) { return stem.size() > 1 && ends_in_consonant(stem); }}}};
  return apply(word, kRules);
}

Word step_2(const Word& word) {
  if (ends_with(word, U"alli") && measure(without(word, 4)) > 0)
    return step_2(Word(without(word, 2)));
  // "logi" is tested with its l: the stem and one letter more.
  if (ends_with(word, U"logi"))
    return measure(without(word, 3)) > 0 ? Word(without(word, 1)) : word;
  static constexpr std::array<Rule, 21> kRules = {
      {{U"ational", U"ate", measure_above_0}, {U"tional", U"tion", measure_above_0},
       {U"enci", U"ence", measure_above_0},   {U"anci", U"ance", measure_above_0},
       {U"izer", U"ize", measure_above_0},    {U"bli", U"ble", measure_above_0},
       {U"alli", U"al", measure_above_0},     {U"entli", U"ent", measure_above_0},
       {U"eli", U"e", measure_above_0},       {U"ousli", U"ous", measure_above_0},
       {U"ization", U"ize", measure_above_0}, {U"ation", U"ate", measure_above_0},
       {U"ator", U"ate", measure_above_0},    {U"alism", U"al", measure_above_0},
       {U"iveness", U"ive", measure_above_0}, {U"fulness", U"ful", measure_above_0},
       {U"ousness", U"ous", measure_above_0}, {U"aliti", U"al", measure_above_0},
       {U"iviti", U"ive", measure_above_0},   {U"biliti", U"ble", measure_above_0},
       {U"fulli", U"ful", measure_above_0}}};
  return apply(word, kRules);
}

Word step_3(const Word& word) {
  static constexpr std::array<Rule, 7> kRules = {{{U"icate", U"ic", measure_above_0},
                                                  {U"ative", U"", measure_above_0},
                                                  {U"alize", U"al", measure_above_0},
                                                  {U"iciti", U"ic", measure_above_0},
                                                  {U"ical", U"ic", measure_above_0},
                                                  {U"ful", U"", measure_above_0},
                                                  {U"ness", U"", measure_above_0}}};
  return apply(word, kRules);
}

bool ends_in_s_or_t(View stem) {
  return measure(stem) > 1 && (stem.back() == U's' || stem.back() == U't');
}

Word step_4(const Word& word) {
  static constexpr std::array<Rule, 19> kRules = {{{U"al", U"", measure_above_1},
                                                   {U"ance", U"", measure_above_1},
                                                   {U"ence", U"", measure_above_1},
                                                   {U"er", U"", measure_above_1},
                                                   {U"ic", U"", measure_above_1},
                                                   {U"able", U"", measure_above_1},
                                                   {U"ible", U"", measure_above_1},
                                                   {U"ant", U"", measure_above_1},
                                                   {U"ement", U"", measure_above_1},
                                                   {U"ment", U"", measure_above_1},
                                                   {U"ent", U"", measure_above_1},
                                                   {U"ion", U"", ends_in_s_or_t},
                                                   {U"ou", U"", measure_above_1},
                                                   {U"ism", U"", measure_above_1},
                                                   {U"ate", U"", measure_above_1},
                                                   {U"iti", U"", measure_above_1},
                                                   {U"ous", U"", measure_above_1},
                                                   {U"ive", U"", measure_above_1},
                                                   {U"ize", U"", measure_above_1}}};
  return apply(word, kRules);
}

Word step_5a(const Word& word) {
  static constexpr std::array<Rule, 1> kRules = {{{U"e", U"", [](View stem) {
                                                     const int m = measure(stem);
                                                     return m > 1 || (m == 1 && !ends_cvc(stem));
                                                   }}}};
  return apply(word, kRules);
}

Word step_5b(const Word& word) {
  return ends_with(word, U"ll") && measure(without(word, 1)) > 1 ? Word(without(word, 1)) : word;
}

constexpr std::array<std::pair<View, View>, 16> kIrregular = {{{U"sky", U"sky"},
                                                               {U"skies", U"sky"},
                                                               {U"dying", U"die"},
                                                               {U"lying", U"lie"},
                                                               {U"tying", U"tie"},
                                                               {U"news", U"news"},
                                                               {U"innings", U"inning"},
                                                               {U"inning", U"inning"},
                                                               {U"outings", U"outing"},
                                                               {U"outing", U"outing"},
                                                               {U"cannings", U"canning"},
                                                               {U"canning", U"canning"},
                                                               {U"howe", U"howe"},
                                                               {U"proceed", U"proceed"},
                                                               {U"exceed", U"exceed"},
                                                               {U"succeed", U"succeed"}}};

}  // namespace

std::u32string porter_stem(std::u32string_view word) {
  for (const auto& [form, stem] : kIrregular)
    if (word == form) return Word(stem);
  Word result(word);
  if (word.size() <= 2) return result;
  for (const auto step : {step_1a, step_1b, step_1c, step_2, step_3, step_4, step_5a, step_5b})
    result = step(result);
  return result;
}

}  // namespace pgtrain
