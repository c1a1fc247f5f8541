// Parity with the libraries that define the metrics: tests/golden/text_metrics.jsonl, written by
// scripts/make_text_goldens.py (sacrebleu 2.6.0, rouge_score 0.1.2, jiwer 4.0.0, RapidFuzz 3.14.6).
// PGTRAIN_TEXT_GOLDENS names another file of that form, for example with another seed; then a table
// of the worst differences is printed.
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "similarity/edit_distance.h"
#include "similarity/metric.h"
#include "similarity/rouge.h"
#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using Text = std::u32string;

// The tolerance of this file: relative to the reference's own value, however small.
constexpr double kRelative = 1e-9;

struct Parity {
  int64_t pairs = 0;
  int64_t failures = 0;
  double worst = 0;
};

class ParityTable {
 public:
  void add(const std::string& metric, double actual, double expected, bool is_integer,
           const std::string& context) {
    Parity& row = rows_[metric];
    ++row.pairs;
    const double difference =
        actual == expected ? 0 : std::abs(actual - expected) / std::max(std::abs(expected), 1e-300);
    row.worst = std::max(row.worst, difference);
    if (is_integer ? actual == expected : difference <= kRelative) return;
    if (++row.failures <= 2)
      examples_ << metric << ": " << actual << " instead of " << expected << " for " << context
                << "\n";
  }

  bool all_equal() const {
    for (const auto& [name, row] : rows_)
      if (row.failures > 0) return false;
    return !rows_.empty();
  }

  std::string examples() const { return examples_.str(); }

  void print() const {
    for (const auto& [name, row] : rows_)
      std::cout << name << "\t" << row.pairs << "\t" << row.worst << "\t" << row.failures << "\n";
  }

 private:
  std::map<std::string, Parity> rows_;
  std::ostringstream examples_;
};

// "bleu/zh/exp" or "chrf/lower" as metric and options.
std::pair<std::string, MetricOptions> metric_of(const std::string& name) {
  const size_t slash = name.find('/');
  const std::string metric = name.substr(0, slash);
  const std::string variant = slash == std::string::npos ? "" : name.substr(slash + 1);
  MetricOptions options;
  if (metric == "bleu") {
    options.tokenize = variant.substr(0, variant.find('/'));
    options.smooth_method = variant.substr(variant.find('/') + 1);
    options.effective_order = true;
  }
  options.lowercase = variant == "lower";
  options.whitespace = variant == "space";
  if (variant == "beta3") options.beta = 3;
  options.eps_smoothing = variant == "eps";
  options.normalized = variant == "norm" || variant == "asian";
  options.asian_support = variant == "asian";
  options.no_punct = variant == "nopunct";
  options.case_sensitive = variant == "case";
  return {metric, options};
}

bool has_all_references(const std::string& name) {
  return name.rfind("bleu", 0) == 0 || name.rfind("chrf", 0) == 0 || name.rfind("ter", 0) == 0;
}

RougeOptions rouge_of(const std::string& name) {
  RougeOptions options;
  options.use_stemmer = test::contains(name, "/stem");
  const std::string kind = name.substr(5, name.find('/') - 5);
  options.kind = kind == "L"      ? RougeKind::kLcs
                 : kind == "Lsum" ? RougeKind::kLsum
                                  : RougeKind::kNgram;
  if (options.kind == RougeKind::kNgram) options.order = std::stoi(kind);
  return options;
}

std::vector<std::u32string_view> views(const std::vector<Text>& texts) {
  return {texts.begin(), texts.end()};
}

double score(const std::string& name, const MetricOptions& options, const Text& hypothesis,
             const std::vector<Text>& references) {
  const auto metric = make_metric(name, options);
  return metric->value(metric->prepare(views(references))->statistics(hypothesis));
}

// The names that the goldens give to distances and to SQuAD's exact match.
const std::map<std::string, std::string> kOtherNames = {{"levenshtein/sim", "edit_similarity"},
                                                        {"indel/sim", "indel_similarity"},
                                                        {"exact_match", "squad_exact_match"}};
const std::map<std::string, EditKind> kDistances = {{"levenshtein", EditKind::kLevenshtein},
                                                    {"osa", EditKind::kOsa},
                                                    {"damerau", EditKind::kDamerau},
                                                    {"indel", EditKind::kIndel},
                                                    {"lcs", EditKind::kLcs}};

void compare(ParityTable& table, const std::string& name, const json& expected,
             const Text& hypothesis, const std::vector<Text>& references,
             const std::string& context) {
  const Text& first = references.front();
  if (name.rfind("rouge", 0) == 0) {
    const RougeScore actual = Rouge(rouge_of(name), {first}).score(hypothesis);
    table.add(name, actual.precision, expected[0], false, context);
    table.add(name, actual.recall, expected[1], false, context);
    table.add(name, actual.f1, expected[2], false, context);
  } else if (kDistances.count(name) != 0) {
    const EditKind kind = kDistances.at(name);
    const int64_t distance = EditDistance(kind, first).distance(hypothesis);
    const auto longest = static_cast<int64_t>(std::max(first.size(), hypothesis.size()));
    const int64_t actual = kind == EditKind::kLcs ? longest - distance : distance;
    table.add(name, static_cast<double>(actual), expected, true, context);
  } else if (kOtherNames.count(name) != 0) {
    table.add(name, score(kOtherNames.at(name), {}, hypothesis, {first}), expected, false, context);
  } else {
    const auto [metric, options] = metric_of(name);
    const auto used = has_all_references(name) ? references : std::vector<Text>{first};
    table.add(name, score(metric, options, hypothesis, used), expected, false, context);
  }
}

double corpus_score(const std::string& name, const std::vector<Text>& hypotheses,
                    const std::vector<Text>& references) {
  auto [metric_name, options] = metric_of(name + (name.rfind("bleu", 0) == 0 ? "/exp" : ""));
  options.effective_order = false;
  const auto metric = make_metric(metric_name, options);
  MetricStatistics sum;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const auto counts = metric->prepare({references[i]})->statistics(hypotheses[i]);
    sum.resize(counts.size(), 0);
    for (size_t k = 0; k < counts.size(); ++k) sum[k] += counts[k];
  }
  return metric->value(sum);
}

TEST_CASE("metrics: equal to the libraries that define them", "[similarity]") {
  const char* other = std::getenv("PGTRAIN_TEXT_GOLDENS");
  std::ifstream file(other != nullptr ? other : "tests/golden/text_metrics.jsonl");
  ParityTable table;
  std::vector<Text> hypotheses;
  std::vector<Text> first_references;
  for (std::string line; std::getline(file, line);) {
    const json row = json::parse(line);
    if (row.contains("corpus")) {
      for (const auto& [name, value] : row["corpus"].items())
        table.add("corpus " + name, corpus_score(name, hypotheses, first_references), value, false,
                  "the corpus");
      continue;
    }
    std::vector<Text> references;
    for (const std::string text : row["references"]) references.push_back(decode_utf8(text));
    hypotheses.push_back(decode_utf8(row["hypothesis"].get<std::string>()));
    first_references.push_back(references.front());
    const json& values = row["values"];
    for (const auto& [name, value] : values.items())
      compare(table, name, value, hypotheses.back(), references, line.substr(0, 300));
  }
  CHECK(hypotheses.size() >= 240);
  INFO(table.examples());
  CHECK(table.all_equal());
  if (other != nullptr) table.print();
}

}  // namespace
}  // namespace pgtrain
