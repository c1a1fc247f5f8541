#include "similarity/rouge.h"

#include <algorithm>

#include "core/error.h"
#include "similarity/porter_stemmer.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

constexpr size_t kLongestUnstemmed = 3;

using Words = std::vector<uint32_t>;

bool is_rouge_letter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9'); }

// Calls use(word) for each word of the text.
template <class Use>
void for_each_word(std::u32string_view text, bool use_stemmer, Use use) {
  const std::u32string lowered = lower_case(text);
  for (size_t i = 0; i < lowered.size();) {
    if (!is_rouge_letter(lowered[i])) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < lowered.size() && is_rouge_letter(lowered[end])) ++end;
    const auto word = std::u32string_view(lowered).substr(i, end - i);
    if (use_stemmer && word.size() > kLongestUnstemmed)
      use(std::u32string_view(porter_stem(word)));
    else
      use(word);
    i = end;
  }
}

Words add_words(Vocabulary& vocabulary, std::u32string_view text, bool use_stemmer) {
  Words words;
  for_each_word(text, use_stemmer,
                [&](std::u32string_view w) { words.push_back(vocabulary.add(w)); });
  return words;
}

Words find_words(const Vocabulary& vocabulary, std::u32string_view text, bool use_stemmer) {
  Words words;
  for_each_word(text, use_stemmer,
                [&](std::u32string_view w) { words.push_back(vocabulary.find(w)); });
  return words;
}

// The non-empty lines; only U+000A ends one.
template <class Use>
void for_each_line(std::u32string_view text, Use use) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(U'\n'), text.size());
    if (end > 0) use(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

size_t count_words(const std::vector<Words>& lines) {
  size_t count = 0;
  for (const Words& line : lines) count += line.size();
  return count;
}

RougeScore from_matches(int64_t matches, int64_t hypothesis, int64_t reference) {
  RougeScore score;
  score.precision = static_cast<double>(matches) / static_cast<double>(hypothesis);
  score.recall = static_cast<double>(matches) / static_cast<double>(reference);
  if (score.precision + score.recall > 0)
    score.f1 = 2 * score.precision * score.recall / (score.precision + score.recall);
  return score;
}

std::u32string as_text(const Words& words) { return {words.begin(), words.end()}; }

// Marks the positions in `reference` of one longest common subsequence, the one that rouge_score
// reads out of its table: from the end, equal words are taken, then the column goes back when that
// is better, else the row.
void mark_lcs(const Words& reference, const Words& hypothesis, std::vector<bool>& marked) {
  const size_t rows = reference.size();
  const size_t columns = hypothesis.size();
  std::vector<bool> go_left(rows * columns);  // t[i][j-1] > t[i-1][j]
  std::vector<uint32_t> above(columns + 1, 0);
  std::vector<uint32_t> current(columns + 1, 0);
  for (size_t i = 1; i <= rows; ++i) {
    for (size_t j = 1; j <= columns; ++j) {
      go_left[(i - 1) * columns + j - 1] = current[j - 1] > above[j];
      current[j] = reference[i - 1] == hypothesis[j - 1] ? above[j - 1] + 1
                                                         : std::max(above[j], current[j - 1]);
    }
    above.swap(current);
  }
  size_t i = rows;
  size_t j = columns;
  while (i > 0 && j > 0) {
    if (reference[i - 1] == hypothesis[j - 1]) {
      marked[i - 1] = true;
      --i;
      --j;
    } else if (go_left[(i - 1) * columns + j - 1]) {
      --j;
    } else {
      --i;
    }
  }
}

}  // namespace

Rouge::Rouge(const RougeOptions& options, const std::vector<std::u32string_view>& references)
    : options_(options) {
  PG_CHECK(!references.empty(), "no reference");
  for (const auto text : references) {
    Reference reference;
    if (options_.kind == RougeKind::kLsum) {
      for_each_line(text, [&](std::u32string_view line) {
        reference.lines.push_back(add_words(vocabulary_, line, options_.use_stemmer));
      });
      reference.length = count_words(reference.lines);
    } else {
      const Words words = add_words(vocabulary_, text, options_.use_stemmer);
      reference.length = words.size();
      if (options_.kind == RougeKind::kNgram) {
        reference.ngrams = NgramCounts(static_cast<size_t>(options_.order));
        reference.ngrams.add(words);
      } else {
        reference.lcs = std::make_unique<EditDistance>(EditKind::kLcs, as_text(words));
      }
    }
    references_.push_back(std::move(reference));
  }
}

RougeScore Rouge::score(std::u32string_view hypothesis) const {
  Words words;
  std::vector<Words> lines;
  if (options_.kind == RougeKind::kLsum)
    for_each_line(hypothesis, [&](std::u32string_view line) {
      lines.push_back(find_words(vocabulary_, line, options_.use_stemmer));
    });
  else
    words = find_words(vocabulary_, hypothesis, options_.use_stemmer);
  RougeScore best;
  for (size_t i = 0; i < references_.size(); ++i) {
    const RougeScore now = options_.kind == RougeKind::kLsum ? score_lines(references_[i], lines)
                                                             : score_one(references_[i], words);
    if (i == 0 || now.f1 > best.f1) best = now;
  }
  return best;
}

RougeScore Rouge::score_one(const Reference& reference, const Words& words) const {
  if (options_.kind == RougeKind::kNgram) {
    const auto order = static_cast<size_t>(options_.order);
    return from_matches(reference.ngrams.matches(words)[order - 1],
                        std::max<int64_t>(1, ngram_total(words.size(), order)),
                        std::max<int64_t>(1, ngram_total(reference.length, order)));
  }
  if (words.empty() || reference.length == 0) return {};
  const auto longest = static_cast<int64_t>(std::max(words.size(), reference.length));
  const int64_t lcs = longest - reference.lcs->distance(as_text(words));
  return from_matches(lcs, static_cast<int64_t>(words.size()),
                      static_cast<int64_t>(reference.length));
}

RougeScore Rouge::score_lines(const Reference& reference, const std::vector<Words>& lines) const {
  const size_t length = count_words(lines);
  if (length == 0 || reference.length == 0) return {};
  // Words left to count, of either text.
  std::vector<int64_t> in_reference(vocabulary_.size(), 0);
  std::vector<int64_t> in_hypothesis(vocabulary_.size(), 0);
  for (const Words& line : reference.lines)
    for (const uint32_t word : line) ++in_reference[word];
  for (const Words& line : lines)
    for (const uint32_t word : line)
      if (word != Vocabulary::kUnknown) ++in_hypothesis[word];
  int64_t hits = 0;
  for (const Words& line : reference.lines) {
    std::vector<bool> marked(line.size());
    for (const Words& other : lines) mark_lcs(line, other, marked);
    for (size_t i = 0; i < line.size(); ++i) {
      if (!marked[i] || in_hypothesis[line[i]] <= 0 || in_reference[line[i]] <= 0) continue;
      ++hits;
      --in_hypothesis[line[i]];
      --in_reference[line[i]];
    }
  }
  return from_matches(hits, static_cast<int64_t>(length), static_cast<int64_t>(reference.length));
}

bool Rouge::is_blind_to(std::u32string_view text) {
  bool letters = false;
  for (const char32_t c : lower_case(text)) {
    if (is_rouge_letter(c)) return false;
    letters = letters || is_word_character(c);
  }
  return letters;
}

}  // namespace pgtrain
