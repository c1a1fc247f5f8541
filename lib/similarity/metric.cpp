#include "similarity/metric.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "core/error.h"
#include "similarity/bleu.h"
#include "similarity/chrf.h"
#include "similarity/edit_distance.h"
#include "similarity/error_rate.h"
#include "similarity/jaro.h"
#include "similarity/rouge.h"
#include "similarity/ter.h"
#include "similarity/word_overlap.h"

namespace pgtrain {
namespace {

using Texts = std::vector<std::u32string_view>;

std::string count_text(int64_t references) {
  return references > 0 ? fmt::format("nrefs:{}", references) : "nrefs:var";
}

const char* yes(bool value) { return value ? "yes" : "no"; }

MetricStatistics as_doubles(const std::vector<int64_t>& counts) {
  return {counts.begin(), counts.end()};
}

std::vector<int64_t> as_counts(const MetricStatistics& statistics) {
  std::vector<int64_t> counts;
  for (const double value : statistics) counts.push_back(static_cast<int64_t>(value));
  return counts;
}

// References held by a value whose statistics `Count` turns into numbers.
template <class References, class Count>
class Counted final : public PreparedReferences {
 public:
  Counted(References references, Count count)
      : references_(std::move(references)), count_(std::move(count)) {}
  MetricStatistics statistics(std::u32string_view hypothesis) const override {
    return count_(references_, hypothesis);
  }

 private:
  References references_;
  Count count_;
};

template <class References, class Count>
std::unique_ptr<PreparedReferences> counted(References references, Count count) {
  return std::make_unique<Counted<References, Count>>(std::move(references), std::move(count));
}

class BleuMetric final : public Metric {
 public:
  BleuMetric(const BleuOptions& options, const MetricOptions& names)
      : options_(options), tokenize_(names.tokenize), smooth_(names.smooth_method) {}

  std::unique_ptr<PreparedReferences> prepare(const Texts& references) const override {
    return counted(Bleu(options_, references), [](const Bleu& bleu, std::u32string_view text) {
      return as_doubles(bleu.statistics(text));
    });
  }
  double value(const MetricStatistics& statistics) const override {
    return bleu_score(options_, as_counts(statistics));
  }
  // exp(log(100)) is a little more than 100.
  double goodness(double value) const override { return std::min(1.0, value / 100); }
  std::string signature(int64_t references) const override {
    std::string smooth = smooth_;
    if (smooth == "floor" || smooth == "add-k")
      smooth += fmt::format("[{:.2f}]", options_.smooth_value >= 0 ? options_.smooth_value
                                        : smooth == "floor"        ? 0.1
                                                                   : 1.0);
    return fmt::format("{}|case:{}|eff:{}|tok:{}|smooth:{}", count_text(references),
                       options_.lowercase ? "lc" : "mixed", yes(options_.effective_order),
                       tokenize_, smooth);
  }

 private:
  BleuOptions options_;
  std::string tokenize_;
  std::string smooth_;
};

class ChrfMetric final : public Metric {
 public:
  explicit ChrfMetric(const ChrfOptions& options) : options_(options) {}

  std::unique_ptr<PreparedReferences> prepare(const Texts& references) const override {
    return counted(Chrf(options_, references), [](const Chrf& chrf, std::u32string_view text) {
      return as_doubles(chrf.statistics(text));
    });
  }
  double value(const MetricStatistics& statistics) const override {
    return chrf_score(options_, as_counts(statistics));
  }
  double goodness(double value) const override { return std::min(1.0, value / 100); }
  std::string signature(int64_t references) const override {
    return fmt::format("{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}", count_text(references),
                       options_.lowercase ? "lc" : "mixed", yes(!options_.eps_smoothing),
                       options_.char_order, options_.word_order, yes(options_.whitespace));
  }

 private:
  ChrfOptions options_;
};

class TerMetric final : public Metric {
 public:
  explicit TerMetric(const TerTokenizerOptions& options) : options_(options) {}

  std::unique_ptr<PreparedReferences> prepare(const Texts& references) const override {
    return counted(Ter(options_, references), [](const Ter& ter, std::u32string_view text) {
      const TerStatistics counts = ter.statistics(text);
      return MetricStatistics{static_cast<double>(counts.edits), counts.reference_length};
    });
  }
  double value(const MetricStatistics& statistics) const override {
    return ter_score({static_cast<int64_t>(statistics[0]), statistics[1]});
  }
  double goodness(double value) const override { return std::max(0.0, 1 - value / 100); }
  std::string signature(int64_t references) const override {
    return fmt::format("{}|case:{}|tok:tercom|norm:{}|punct:{}|asian:{}", count_text(references),
                       options_.case_sensitive ? "mixed" : "lc", yes(options_.normalized),
                       yes(!options_.no_punct), yes(options_.asian_support));
  }

 private:
  TerTokenizerOptions options_;
};

class ErrorRateMetric final : public Metric {
 public:
  explicit ErrorRateMetric(ErrorUnit unit) : unit_(unit) {}

  std::unique_ptr<PreparedReferences> prepare(const Texts& references) const override {
    return counted(ErrorRate(unit_, references),
                   [](const ErrorRate& rate, std::u32string_view text) {
                     const ErrorStatistics counts = rate.statistics(text);
                     return MetricStatistics{static_cast<double>(counts.errors),
                                             static_cast<double>(counts.reference_length)};
                   });
  }
  double value(const MetricStatistics& statistics) const override {
    return error_rate({static_cast<int64_t>(statistics[0]), static_cast<int64_t>(statistics[1])});
  }
  double goodness(double value) const override { return std::max(0.0, 1 - value); }
  std::string signature(int64_t /*references*/) const override { return ""; }

 private:
  ErrorUnit unit_;
};

// Metrics whose corpus value is the mean of the segments: [sum, segments].
class MeanMetric final : public Metric {
 public:
  using Prepare = std::unique_ptr<PreparedReferences> (*)(const MetricOptions&, const Texts&);
  MeanMetric(Prepare prepare, const MetricOptions& options)
      : prepare_(prepare), options_(options) {}

  std::unique_ptr<PreparedReferences> prepare(const Texts& references) const override {
    return prepare_(options_, references);
  }
  double value(const MetricStatistics& statistics) const override {
    return statistics[1] > 0 ? statistics[0] / statistics[1] : 0;
  }
  double goodness(double value) const override { return value; }
  std::string signature(int64_t /*references*/) const override { return ""; }

 private:
  Prepare prepare_;
  MetricOptions options_;
};

template <RougeKind kKind, int64_t kOrder>
std::unique_ptr<PreparedReferences> prepare_rouge(const MetricOptions& options,
                                                  const Texts& references) {
  return counted(Rouge({kKind, kOrder, options.use_stemmer}, references),
                 [](const Rouge& rouge, std::u32string_view text) {
                   return MetricStatistics{rouge.score(text).f1, 1};
                 });
}

// The best over references that are each prepared as a `Reference` and scored by `score`.
template <class Reference, class Score>
std::unique_ptr<PreparedReferences> best_of(std::vector<Reference> references, Score score) {
  return counted(std::move(references),
                 [score](const std::vector<Reference>& all, std::u32string_view text) {
                   double best = score(all.front(), text);
                   for (size_t i = 1; i < all.size(); ++i)
                     best = std::max(best, score(all[i], text));
                   return MetricStatistics{best, 1};
                 });
}

template <EditKind kKind>
std::unique_ptr<PreparedReferences> prepare_edit(const MetricOptions& /*options*/,
                                                 const Texts& references) {
  std::vector<EditDistance> prepared;
  prepared.reserve(references.size());
  for (const auto text : references) prepared.emplace_back(kKind, text);
  return best_of(std::move(prepared), [](const EditDistance& reference, std::u32string_view text) {
    return reference.similarity(text);
  });
}

template <double (*kFunction)(std::u32string_view reference, std::u32string_view hypothesis)>
std::unique_ptr<PreparedReferences> prepare_plain(const MetricOptions& /*options*/,
                                                  const Texts& references) {
  return best_of(std::vector<std::u32string>(references.begin(), references.end()),
                 [](const std::u32string& reference, std::u32string_view text) {
                   return kFunction(reference, text);
                 });
}

// The hypothesis comes first in these.
template <double (*kFunction)(std::u32string_view hypothesis, std::u32string_view reference)>
double turned(std::u32string_view reference, std::u32string_view hypothesis) {
  return kFunction(hypothesis, reference);
}

template <double (SquadReference::*kMember)(std::u32string_view) const>
std::unique_ptr<PreparedReferences> prepare_squad(const MetricOptions& /*options*/,
                                                  const Texts& references) {
  return best_of(std::vector<SquadReference>(references.begin(), references.end()),
                 [](const SquadReference& reference, std::u32string_view text) {
                   return (reference.*kMember)(text);
                 });
}

template <class Value>
Value choose(const char* option, const std::string& name,
             std::initializer_list<std::pair<const char*, Value>> choices) {
  std::string names;
  for (const auto& [choice, value] : choices) {
    if (name == choice) return value;
    names += (names.empty() ? "" : ", ") + std::string(choice);
  }
  throw ConfigError(fmt::format("{}: '{}' is unknown; allowed: {}", option, name, names));
}

void check_range(const char* option, double value, double least, double most) {
  if (!(value >= least && value <= most))
    throw ConfigError(fmt::format("{}: {} is outside {} .. {}", option, value, least, most));
}

std::unique_ptr<Metric> make_bleu(const MetricOptions& o) {
  BleuOptions options;
  options.tokenizer = choose<BleuTokenizer>("tokenize", o.tokenize,
                                            {{"13a", BleuTokenizer::k13a},
                                             {"zh", BleuTokenizer::kZh},
                                             {"intl", BleuTokenizer::kIntl},
                                             {"char", BleuTokenizer::kChar},
                                             {"none", BleuTokenizer::kNone}});
  options.smoothing = choose<BleuSmoothing>("smooth_method", o.smooth_method,
                                            {{"exp", BleuSmoothing::kExp},
                                             {"floor", BleuSmoothing::kFloor},
                                             {"add-k", BleuSmoothing::kAddK},
                                             {"none", BleuSmoothing::kNone}});
  check_range("smooth_value", o.smooth_value, -1, 1e6);
  check_range("max_ngram_order", static_cast<double>(o.max_ngram_order), 1, 32);
  options.smooth_value = o.smooth_value;
  options.max_order = o.max_ngram_order;
  options.lowercase = o.lowercase;
  options.effective_order = o.effective_order;
  return std::make_unique<BleuMetric>(options, o);
}

template <int64_t kWordOrder>
std::unique_ptr<Metric> make_chrf(const MetricOptions& o) {
  check_range("char_order", static_cast<double>(o.char_order), 0, 32);
  check_range("word_order", static_cast<double>(o.word_order), -1, 32);
  check_range("beta", o.beta, 0, 1e3);
  const int64_t word_order = o.word_order >= 0 ? o.word_order : kWordOrder;
  if (o.char_order + word_order == 0)
    throw ConfigError("char_order: 0 together with word_order 0 leaves nothing to compare");
  return std::make_unique<ChrfMetric>(
      ChrfOptions{o.char_order, word_order, o.beta, o.lowercase, o.whitespace, o.eps_smoothing});
}

std::unique_ptr<Metric> make_ter(const MetricOptions& o) {
  return std::make_unique<TerMetric>(
      TerTokenizerOptions{o.normalized, o.no_punct, o.asian_support, o.case_sensitive});
}

template <ErrorUnit kUnit>
std::unique_ptr<Metric> make_error_rate(const MetricOptions& /*options*/) {
  return std::make_unique<ErrorRateMetric>(kUnit);
}

template <MeanMetric::Prepare kPrepare>
std::unique_ptr<Metric> make_mean(const MetricOptions& options) {
  return std::make_unique<MeanMetric>(kPrepare, options);
}

struct MetricEntry {
  const char* name;
  bool is_error;
  std::unique_ptr<Metric> (*make)(const MetricOptions&);
  const char* options;  // names of those that it reads, each between spaces
};

constexpr const char* kChrfOptions =
    " lowercase char_order word_order beta whitespace eps_smoothing ";

// The only place that knows the names of the metrics.
constexpr std::array<MetricEntry, 22> kMetrics = {{
    {"bleu", false, make_bleu,
     " tokenize smooth_method smooth_value max_ngram_order effective_order lowercase "},
    {"chrf", false, make_chrf<0>, kChrfOptions},
    {"chrf++", false, make_chrf<2>, kChrfOptions},
    {"ter", true, make_ter, " normalized no_punct asian_support case_sensitive "},
    {"rouge1", false, make_mean<prepare_rouge<RougeKind::kNgram, 1>>, " use_stemmer "},
    {"rouge2", false, make_mean<prepare_rouge<RougeKind::kNgram, 2>>, " use_stemmer "},
    {"rouge3", false, make_mean<prepare_rouge<RougeKind::kNgram, 3>>, " use_stemmer "},
    {"rougeL", false, make_mean<prepare_rouge<RougeKind::kLcs, 1>>, " use_stemmer "},
    {"rougeLsum", false, make_mean<prepare_rouge<RougeKind::kLsum, 1>>, " use_stemmer "},
    {"wer", true, make_error_rate<ErrorUnit::kWord>, ""},
    {"cer", true, make_error_rate<ErrorUnit::kCharacter>, ""},
    {"edit_similarity", false, make_mean<prepare_edit<EditKind::kLevenshtein>>, ""},
    {"indel_similarity", false, make_mean<prepare_edit<EditKind::kIndel>>, ""},
    {"osa_similarity", false, make_mean<prepare_edit<EditKind::kOsa>>, ""},
    {"damerau_similarity", false, make_mean<prepare_edit<EditKind::kDamerau>>, ""},
    {"lcs_similarity", false, make_mean<prepare_edit<EditKind::kLcs>>, ""},
    {"jaro", false, make_mean<prepare_plain<turned<jaro_similarity>>>, ""},
    {"jaro_winkler", false, make_mean<prepare_plain<turned<jaro_winkler_similarity>>>, ""},
    {"token_f1", false, make_mean<prepare_squad<&SquadReference::token_f1>>, ""},
    {"squad_exact_match", false, make_mean<prepare_squad<&SquadReference::exact_match>>, ""},
    {"exact_match", false, make_mean<prepare_plain<exact_match>>, ""},
    {"prefix_similarity", false, make_mean<prepare_plain<prefix_similarity>>, ""},
}};

const MetricEntry& find_entry(const std::string& name) {
  for (const MetricEntry& entry : kMetrics)
    if (name == entry.name) return entry;
  throw ConfigError(
      fmt::format("metric: '{}' is unknown; allowed: {}", name, fmt::join(metric_names(), ", ")));
}

}  // namespace

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  names.reserve(kMetrics.size());
  for (const MetricEntry& entry : kMetrics) names.emplace_back(entry.name);
  return names;
}

bool is_error_metric(const std::string& name) { return find_entry(name).is_error; }

bool metric_reads(const std::string& name, const std::string& option) {
  return std::string_view(find_entry(name).options).find(" " + option + " ") !=
         std::string_view::npos;
}

std::unique_ptr<Metric> make_metric(const std::string& name, const MetricOptions& options) {
  return find_entry(name).make(options);
}

}  // namespace pgtrain
