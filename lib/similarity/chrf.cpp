#include "similarity/chrf.h"

#include "core/error.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

constexpr double kEpsilon = 1e-16;

// Words, with one punctuation mark at their end, or else at their beginning, as a word of its own.
std::vector<std::u32string_view> split_words(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  for (const auto word : split_on_space(text)) {
    const size_t last = word.size() - 1;
    if (word.size() > 1 && is_ascii_punctuation(word[last])) {
      words.push_back(word.substr(0, last));
      words.push_back(word.substr(last));
    } else if (word.size() > 1 && is_ascii_punctuation(word[0])) {
      words.push_back(word.substr(0, 1));
      words.push_back(word.substr(1));
    } else {
      words.push_back(word);
    }
  }
  return words;
}

void append_counts(ChrfStatistics& statistics, size_t hypothesis, size_t reference,
                   const std::vector<int64_t>& matches) {
  for (size_t order = 1; order <= matches.size(); ++order) {
    const int64_t in_reference = ngram_total(reference, order);
    statistics.push_back(in_reference > 0 ? ngram_total(hypothesis, order) : 0);
    statistics.push_back(in_reference);
    statistics.push_back(matches[order - 1]);
  }
}

}  // namespace

double chrf_score(const ChrfOptions& options, const ChrfStatistics& statistics) {
  const auto orders = static_cast<size_t>(options.char_order + options.word_order);
  PG_CHECK(statistics.size() == 3 * orders, "{} numbers for {} orders", statistics.size(), orders);
  const double factor = options.beta * options.beta;
  double smoothed = 0;
  double precision_sum = 0;
  double recall_sum = 0;
  int64_t counted = 0;
  for (size_t i = 0; i < orders; ++i) {
    const auto hypothesis = static_cast<double>(statistics[3 * i]);
    const auto reference = static_cast<double>(statistics[3 * i + 1]);
    const auto match = static_cast<double>(statistics[3 * i + 2]);
    const double precision = hypothesis > 0 ? match / hypothesis : kEpsilon;
    const double recall = reference > 0 ? match / reference : kEpsilon;
    const double denominator = factor * precision + recall;
    smoothed += denominator > 0 ? (1 + factor) * precision * recall / denominator : kEpsilon;
    if (hypothesis > 0 && reference > 0) {
      precision_sum += precision;
      recall_sum += recall;
      ++counted;
    }
  }
  if (options.eps_smoothing) return 100 * smoothed / static_cast<double>(orders);
  if (precision_sum + recall_sum == 0) return 0;
  const double precision = precision_sum / static_cast<double>(counted);
  const double recall = recall_sum / static_cast<double>(counted);
  return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
}

Chrf::Chrf(const ChrfOptions& options, const std::vector<std::u32string_view>& references)
    : options_(options) {
  PG_CHECK(!references.empty(), "no reference");
  references_.reserve(references.size());
  for (const auto reference : references) {
    const std::u32string lowered = options_.lowercase ? lower_case(reference) : std::u32string();
    const std::u32string_view text = options_.lowercase ? lowered : reference;
    const auto characters = characters_of(text);
    const auto words =
        options_.word_order > 0 ? vocabulary_.add(split_words(text)) : std::vector<uint32_t>();
    Reference prepared{NgramCounts(static_cast<size_t>(options_.char_order)),
                       NgramCounts(static_cast<size_t>(options_.word_order)), characters.size(),
                       words.size()};
    prepared.characters.add(characters);
    prepared.words.add(words);
    references_.push_back(std::move(prepared));
  }
}

std::vector<uint32_t> Chrf::characters_of(std::u32string_view text) const {
  std::vector<uint32_t> characters;
  characters.reserve(text.size());
  for (const char32_t c : text)
    if (options_.whitespace || !is_space(c)) characters.push_back(c);
  return characters;
}

ChrfStatistics Chrf::statistics(std::u32string_view hypothesis) const {
  const std::u32string lowered = options_.lowercase ? lower_case(hypothesis) : std::u32string();
  const std::u32string_view text = options_.lowercase ? lowered : hypothesis;
  const auto characters = characters_of(text);
  const auto words =
      options_.word_order > 0 ? vocabulary_.find(split_words(text)) : std::vector<uint32_t>();
  ChrfStatistics best;
  double best_score = -1;
  for (const Reference& reference : references_) {
    ChrfStatistics now;
    append_counts(now, characters.size(), reference.num_characters,
                  reference.characters.matches(characters));
    append_counts(now, words.size(), reference.num_words, reference.words.matches(words));
    if (references_.size() == 1) return now;
    const double score = chrf_score(options_, now);
    if (score > best_score) {
      best_score = score;
      best = std::move(now);
    }
  }
  return best;
}

}  // namespace pgtrain
