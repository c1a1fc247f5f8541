// A libFuzzer target for the text metrics; scripts/fuzz.sh builds and runs it.
//
// Input: ten bytes of options, then the hypothesis and one to three references, separated by the
// byte 0xFF, which UTF-8 never has. Bytes that are not UTF-8 become U+FFFD. The last option byte
// says which metric is made with these options; what must hold whatever the texts are is checked,
// and a broken law aborts.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "similarity/edit_distance.h"
#include "similarity/metric.h"
#include "similarity/rouge.h"
#include "similarity/word_overlap.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Text = std::u32string;

constexpr size_t kOptionBytes = 10;
constexpr size_t kMostReferences = 3;
constexpr size_t kNaiveCells = 4096;  // larger pairs are not compared with the plain matrix
constexpr double kRounding = 1e-9;

const std::set<std::string> kSymmetric = {"rouge1",
                                          "rouge2",
                                          "rouge3",
                                          "rougeL",
                                          "edit_similarity",
                                          "indel_similarity",
                                          "osa_similarity",
                                          "damerau_similarity",
                                          "lcs_similarity",
                                          "token_f1",
                                          "squad_exact_match",
                                          "exact_match",
                                          "prefix_similarity"};

struct Input {
  size_t choice = 0;
  MetricOptions options;
  Text hypothesis;
  std::vector<Text> references;
};

bool close(double a, double b) { return std::abs(a - b) <= kRounding * std::max(1.0, std::abs(b)); }

void require(bool law, const std::string& name, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken law: %s: %s\n", name.c_str(), what);
  std::abort();
}

bool starts_with(const std::string& text, const char* beginning) {
  return text.rfind(beginning, 0) == 0;
}

MetricOptions options_of(const uint8_t* bytes) {
  static const char* const kTokenizers[] = {"13a", "zh", "intl", "char", "none", "unknown"};
  static const char* const kSmoothings[] = {"exp", "floor", "add-k", "none", "unknown"};
  MetricOptions options;
  options.tokenize = kTokenizers[bytes[0] % 6];
  options.smooth_method = kSmoothings[bytes[1] % 5];
  options.effective_order = (bytes[2] & 1) != 0;
  options.lowercase = (bytes[2] & 2) != 0;
  options.whitespace = (bytes[2] & 4) != 0;
  options.eps_smoothing = (bytes[2] & 8) != 0;
  options.normalized = (bytes[2] & 16) != 0;
  options.no_punct = (bytes[2] & 32) != 0;
  options.asian_support = (bytes[2] & 64) != 0;
  options.case_sensitive = (bytes[2] & 128) != 0;
  options.use_stemmer = (bytes[3] & 1) != 0;
  // One step outside of the range on either side.
  options.max_ngram_order = bytes[4] % 34;
  options.char_order = bytes[5] % 35 - 1;
  options.word_order = bytes[6] % 36 - 2;
  options.beta = bytes[7] / 16.0 - 1;
  options.smooth_value = bytes[8] / 32.0 - 1.5;
  return options;
}

Input input_of(const uint8_t* data, size_t size) {
  Input input;
  input.options = options_of(data);
  input.choice = data[9];
  std::string_view rest(reinterpret_cast<const char*>(data) + kOptionBytes, size - kOptionBytes);
  std::vector<Text> texts;
  while (texts.size() < kMostReferences) {
    const size_t end = rest.find('\xFF');
    if (end == std::string_view::npos) break;
    texts.push_back(decode_utf8_lossy(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  texts.push_back(decode_utf8_lossy(rest));
  input.hypothesis = texts.front();
  input.references.assign(texts.begin() + (texts.size() > 1 ? 1 : 0), texts.end());
  return input;
}

MetricStatistics count(const Metric& metric, const Text& hypothesis,
                       const std::vector<Text>& references) {
  return metric.prepare({references.begin(), references.end()})->statistics(hypothesis);
}

double score(const Metric& metric, const Text& hypothesis, const std::vector<Text>& references) {
  return metric.value(count(metric, hypothesis, references));
}

// The texts may lack what the metric reads (words of a-z, for example): then the value is 0.
void check_identity(const std::string& name, const Metric& metric, const Input& input) {
  const double value = score(metric, input.references.front(), input.references);
  if (starts_with(name, "bleu"))
    require(!input.options.effective_order || value == 0 || close(value, 100), name, "identity");
  else if (starts_with(name, "chrf"))
    require(input.options.eps_smoothing || value == 0 || close(value, 100), name, "identity");
  else if (starts_with(name, "rouge"))
    require(value == 0 || close(value, 1), name, "identity");
  else if (name == "ter")  // normalization works on references twice, on hypotheses once
    require(input.options.normalized || value == 0, name, "identity");
  else
    require(close(metric.goodness(value), 1), name, "identity");
}

// Statistics of a corpus are sums over its segments.
void check_sums(const std::string& name, const Metric& metric, const MetricStatistics& one,
                const MetricStatistics& other) {
  require(one.size() == other.size(), name, "number of statistics");
  MetricStatistics sum = one;
  MetricStatistics twice = one;
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i] += other[i];
    twice[i] += one[i];
  }
  const double value = metric.value(sum);
  require(std::isfinite(value) && value >= 0, name, "value of a sum");
  if (starts_with(name, "chrf") || name == "ter")
    require(close(metric.value(twice), metric.value(one)), name, "the same segment twice");
  else if (!starts_with(name, "bleu") && name != "wer" && name != "cer")
    require(close(value, (metric.value(one) + metric.value(other)) / 2), name, "mean");
}

void check_metric(const std::string& name, const Input& input) {
  std::unique_ptr<Metric> metric;
  try {
    metric = make_metric(name, input.options);
  } catch (const ConfigError&) {
    return;
  }
  const Text& hypothesis = input.hypothesis;
  const std::vector<Text>& references = input.references;
  const auto prepared = metric->prepare({references.begin(), references.end()});
  const MetricStatistics statistics = prepared->statistics(hypothesis);
  const double value = metric->value(statistics);
  const double good = metric->goodness(value);
  require(std::isfinite(value) && value >= 0, name, "value is finite and not negative");
  require(good >= 0 && good <= 1, name, "goodness in [0, 1]");
  // A floor of more than one match lifts BLEU above 100.
  const bool may_exceed = is_error_metric(name) ||
                          (starts_with(name, "bleu") && input.options.smooth_method == "floor");
  const bool in_percent = starts_with(name, "bleu") || starts_with(name, "chrf");
  require(may_exceed || value <= (in_percent ? 100 : 1) * (1 + kRounding), name, "range");
  require(prepared->statistics(hypothesis) == statistics, name, "the same twice");
  check_identity(name, *metric, input);
  check_sums(name, *metric, statistics, count(*metric, references.front(), {hypothesis}));

  if (kSymmetric.count(name) != 0)
    require(close(score(*metric, hypothesis, {references.front()}),
                  score(*metric, references.front(), {hypothesis})),
            name, "symmetry");
  if (references.size() > 1) {
    std::vector<Text> fewer = references;
    fewer.pop_back();
    // Further references lengthen TER's mean and BLEU's closest length.
    if (!starts_with(name, "bleu") && name != "ter")
      require(metric->goodness(score(*metric, hypothesis, fewer)) <= good, name,
              "a further reference does no harm");
    require(close(score(*metric, hypothesis, {references.rbegin(), references.rend()}), value),
            name, "order of references");
  }
}

// Levenshtein distance and length of the longest common subsequence by the plain matrix.
struct Naive {
  int64_t levenshtein;
  int64_t lcs;
};

Naive naive(const Text& a, const Text& b) {
  std::vector<Naive> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = {static_cast<int64_t>(j), 0};
  for (size_t i = 0; i < a.size(); ++i) {
    Naive diagonal = row[0];
    row[0].levenshtein = static_cast<int64_t>(i + 1);
    for (size_t j = 1; j <= b.size(); ++j) {
      const Naive above = row[j];
      const bool same = a[i] == b[j - 1];
      row[j].levenshtein = std::min({above.levenshtein + 1, row[j - 1].levenshtein + 1,
                                     diagonal.levenshtein + (same ? 0 : 1)});
      row[j].lcs = same ? diagonal.lcs + 1 : std::max(above.lcs, row[j - 1].lcs);
      diagonal = above;
    }
  }
  return row.back();
}

void check_distances(const Text& hypothesis, const Text& reference) {
  const auto distance = [&](EditKind kind) {
    const int64_t prepared = EditDistance(kind, reference).distance(hypothesis);
    require(edit_distance(kind, hypothesis, reference) == prepared, "edit_distance", "prepared");
    return prepared;
  };
  const int64_t levenshtein = distance(EditKind::kLevenshtein);
  const int64_t osa = distance(EditKind::kOsa);
  const int64_t indel = distance(EditKind::kIndel);
  distance(EditKind::kLcs);
  require(distance(EditKind::kDamerau) <= osa && osa <= levenshtein && levenshtein <= indel,
          "edit distances", "order");
  if (hypothesis.size() * reference.size() > kNaiveCells) return;
  const Naive expected = naive(reference, hypothesis);
  const auto total = static_cast<int64_t>(reference.size() + hypothesis.size());
  require(levenshtein == expected.levenshtein, "levenshtein", "plain matrix");
  require(indel == total - 2 * expected.lcs, "indel", "plain matrix");
}

void check_variety(const Text& text) {
  for (size_t order = 0; order <= 5; ++order) {
    const double distinct = distinct_ngrams(text, order);
    require(distinct > 0 && distinct <= 1, "distinct_ngrams", "range");
  }
  Rouge::is_blind_to(text);
}

void check(const Input& input) {
  static const std::vector<std::string> names = metric_names();
  const size_t choice = input.choice % (names.size() + 2);
  if (choice < names.size())
    check_metric(names[choice], input);
  else if (choice == names.size())
    check_distances(input.hypothesis, input.references.front());
  else
    check_variety(input.hypothesis);
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size >= pgtrain::kOptionBytes) pgtrain::check(pgtrain::input_of(data, size));
  return 0;
}
