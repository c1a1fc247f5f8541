#include "similarity/word_overlap.h"

#include <algorithm>
#include <set>

#include "similarity/bleu_tokenizer.h"
#include "similarity/ngram_counts.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

bool is_article(std::u32string_view word) {
  return word == U"a" || word == U"an" || word == U"the";
}

// The text with spaces in place of articles: whole runs of word characters.
std::u32string normalize_answer(std::u32string_view text) {
  std::u32string lowered = lower_case(text);
  lowered.erase(std::remove_if(lowered.begin(), lowered.end(), is_ascii_punctuation),
                lowered.end());
  for (size_t i = 0; i < lowered.size();) {
    size_t end = i;
    while (end < lowered.size() && is_word_character(lowered[end])) ++end;
    if (is_article(std::u32string_view(lowered).substr(i, end - i)))
      std::fill(lowered.begin() + static_cast<std::ptrdiff_t>(i),
                lowered.begin() + static_cast<std::ptrdiff_t>(end), U' ');
    i = std::max(end, i + 1);
  }
  return lowered;
}

}  // namespace

SquadReference::SquadReference(std::u32string_view reference) {
  const std::u32string text = normalize_answer(reference);
  words_ = vocabulary_.add(split_on_space(text));
  counts_.assign(vocabulary_.size(), 0);
  for (const uint32_t word : words_) ++counts_[word];
}

double SquadReference::token_f1(std::u32string_view hypothesis) const {
  const std::u32string text = normalize_answer(hypothesis);
  const auto words = vocabulary_.find(split_on_space(text));
  if (words.empty() || words_.empty()) return words.empty() && words_.empty() ? 1 : 0;
  std::vector<int64_t> left = counts_;
  int64_t same = 0;
  for (const uint32_t word : words)
    if (word != Vocabulary::kUnknown && left[word]-- > 0) ++same;
  return 2 * static_cast<double>(same) / static_cast<double>(words.size() + words_.size());
}

double SquadReference::exact_match(std::u32string_view hypothesis) const {
  const std::u32string text = normalize_answer(hypothesis);
  return vocabulary_.find(split_on_space(text)) == words_ ? 1 : 0;
}

double distinct_ngrams(std::u32string_view text, size_t order) {
  const std::u32string spaced = bleu_tokenize(BleuTokenizer::kZh, text);
  Vocabulary vocabulary;
  const auto words = vocabulary.add(split_on_space(spaced));
  const int64_t total = ngram_total(words.size(), order);
  if (total <= 0 || order == 0) return 1;
  std::set<std::vector<uint32_t>> distinct;
  for (size_t i = 0; i + order <= words.size(); ++i)
    distinct.emplace(words.begin() + static_cast<std::ptrdiff_t>(i),
                     words.begin() + static_cast<std::ptrdiff_t>(i + order));
  return static_cast<double>(distinct.size()) / static_cast<double>(total);
}

}  // namespace pgtrain
