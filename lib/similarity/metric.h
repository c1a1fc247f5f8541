// Every text-similarity metric by name, behind one interface: for rewards, `pgtrain score` and
// tests.
//
//   name                                   value            definition
//   bleu, chrf, chrf++                     0 .. 100         bleu.h, chrf.h
//   ter                                    0 .., lower is better: ter.h
//   rouge1 rouge2 rouge3 rougeL rougeLsum  0 .. 1, F1       rouge.h
//   wer, cer                               0 .., lower is better: error_rate.h
//   edit_similarity indel_similarity osa_similarity damerau_similarity lcs_similarity
//                                          0 .. 1           edit_distance.h
//   jaro, jaro_winkler                     0 .. 1           jaro.h
//   token_f1, squad_exact_match            0 .. 1           word_overlap.h
//   exact_match, prefix_similarity         0 .. 1           edit_distance.h
// Of several references the originals' rule holds; where the original has one reference only, the
// best one counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

// The options of all metrics, with the names and defaults of sacreBLEU and rouge_score. Which
// metric reads which: metric_reads.
struct MetricOptions {
  // bleu
  std::string tokenize = "13a";       // 13a, zh, intl, char or none
  std::string smooth_method = "exp";  // exp, floor, add-k or none
  double smooth_value = -1;           // below 0 = the method's usual one
  int64_t max_ngram_order = 4;
  bool effective_order = false;
  // bleu, chrf, chrf++
  bool lowercase = false;
  // chrf, chrf++
  int64_t char_order = 6;
  int64_t word_order = -1;  // below 0 = the metric's: chrf 0, chrf++ 2
  double beta = 2;
  bool whitespace = false;
  bool eps_smoothing = false;
  // ter
  bool normalized = false;
  bool no_punct = false;
  bool asian_support = false;
  bool case_sensitive = false;
  // rouge
  bool use_stemmer = false;
};

// What a metric counted in one segment; the sums over a corpus give the corpus's value.
using MetricStatistics = std::vector<double>;

// The references of one segment, analysed once and scored against many hypotheses.
class PreparedReferences {
 public:
  virtual ~PreparedReferences() = default;
  // May be called from several threads.
  virtual MetricStatistics statistics(std::u32string_view hypothesis) const = 0;
};

class Metric {
 public:
  virtual ~Metric() = default;
  // At least one reference.
  virtual std::unique_ptr<PreparedReferences> prepare(
      const std::vector<std::u32string_view>& references) const = 0;
  // The value of summed statistics: bleu, chrf, ter, wer and cer pool their counts, the others are
  // means over the segments.
  virtual double value(const MetricStatistics& statistics) const = 0;
  // value as "how good", in [0, 1]: bleu / 100, max(0, 1 - ter / 100), max(0, 1 - wer), rouge, ...
  virtual double goodness(double value) const = 0;
  // sacreBLEU's signature of version-independent settings
  // ("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"); empty where the original has none.
  // num_references 0 = varying.
  virtual std::string signature(int64_t num_references) const = 0;
};

// All names, in the order of the table.
std::vector<std::string> metric_names();
// Higher values are worse.
bool is_error_metric(const std::string& name);
// Whether the metric reads the option of MetricOptions with that name.
bool metric_reads(const std::string& name, const std::string& option);

// Throws ConfigError for an unknown name or an option outside of its choices or range.
std::unique_ptr<Metric> make_metric(const std::string& name, const MetricOptions& options);

}  // namespace pgtrain
