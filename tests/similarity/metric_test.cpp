#include "similarity/metric.h"

#include <set>

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;
using test::contains;
using Views = std::vector<std::u32string_view>;

double score(const std::string& name, std::u32string_view hypothesis, const Views& references,
             const MetricOptions& options = {}) {
  const auto metric = make_metric(name, options);
  return metric->value(metric->prepare(references)->statistics(hypothesis));
}

std::string error_of(const std::string& name, const MetricOptions& options) {
  return test::message_of<ConfigError>([&] { make_metric(name, options); });
}

struct GoldenRow {
  const char32_t* hypothesis;
  const char32_t* reference;
  double bleu_effective;
  double bleu;
  double chrf;
  double chrf_words;
  double ter;
};

// sacreBLEU's own numbers (commit f615c72), to ten digits.
const GoldenRow kGoldenRows[] = {
    {U"The cat sat on the mat.", U"The cat sat on a mat.", 48.8923022435, 48.8923022435,
     71.4224756303, 72.6591042886, 16.6666666667},
    {U"the the the the", U"the cat is on the mat", 11.5215909923, 11.5215909923, 15.9926910354,
     16.4632933878, 66.6666666667},
    {U"Hello, world! It's 3.14-ish & 1,000.", U"Hello world, it's 3.14 & 1,000!", 10.2522861181,
     10.2522861181, 53.2140580232, 50.7998195303, 66.6666666667},
    {U"na\u00EFve caf\u00E9 \u2013 \u6771\u4EAC", U"naive caf\u00E9 \u6771\u4EAC", 18.9958921413,
     18.9958921413, 46.9835123199, 43.0874790739, 66.6666666667},
    {U"b c d a", U"a b c d", 63.8943104246, 63.8943104246, 54.1666666667, 63.8888888889, 25.0},
    {U"x", U"x", 100, 0, 100, 100, 0},
    {U"", U"a b", 0, 0, 0, 0, 100},
    {U"a b", U"", 0, 0, 0, 0, 100},
    {U"", U"", 0, 0, 0, 0, 0}};

TEST_CASE("metrics: sacreBLEU's published rows", "[similarity]") {
  constexpr double kDigits = 1e-11;  // of numbers printed with ten decimals
  MetricOptions effective;
  effective.effective_order = true;
  for (const GoldenRow& row : kGoldenRows) {
    const Views reference = {row.reference};
    CHECK(close(score("bleu", row.hypothesis, reference, effective), row.bleu_effective, kDigits));
    CHECK(close(score("bleu", row.hypothesis, reference), row.bleu, kDigits));
    CHECK(close(score("chrf", row.hypothesis, reference), row.chrf, kDigits));
    CHECK(close(score("chrf++", row.hypothesis, reference), row.chrf_words, kDigits));
    CHECK(close(score("ter", row.hypothesis, reference), row.ter, kDigits));
  }
}

TEST_CASE("metrics: the corpus of the first three rows", "[similarity]") {
  const std::pair<const char*, double> expected[] = {
      {"bleu", 20.3804097167}, {"chrf", 48.7678144094}, {"chrf++", 48.5173703252}, {"ter", 50.0}};
  for (const auto& [name, value] : expected) {
    const auto metric = make_metric(name, {});
    MetricStatistics sum;
    for (size_t i = 0; i < 3; ++i) {
      const auto counts =
          metric->prepare({kGoldenRows[i].reference})->statistics(kGoldenRows[i].hypothesis);
      sum.resize(counts.size(), 0);
      for (size_t k = 0; k < counts.size(); ++k) sum[k] += counts[k];
    }
    INFO(name);
    CHECK(close(metric->value(sum), value, 1e-11));
  }
}

TEST_CASE("metrics: names are distinct and each makes its metric", "[similarity]") {
  const auto names = metric_names();
  CHECK(names.size() == 22);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const std::string& name : names) CHECK(make_metric(name, {}) != nullptr);
  CHECK(is_error_metric("ter"));
  CHECK(is_error_metric("wer"));
  CHECK(is_error_metric("cer"));
  CHECK_FALSE(is_error_metric("bleu"));
}

TEST_CASE("metrics: an unknown name is refused with the known ones", "[similarity]") {
  CHECK(contains(error_of("blue", {}), "metric: 'blue' is unknown; allowed: bleu, chrf, chrf++"));
  CHECK(contains(test::message_of<ConfigError>([] { is_error_metric(""); }), "'' is unknown"));
  CHECK(contains(test::message_of<ConfigError>([] { metric_reads("x", "beta"); }), "'x'"));
}

TEST_CASE("metrics: options outside of their choices or range are refused", "[similarity]") {
  const auto with = [](auto member, auto value) {
    MetricOptions options;
    options.*member = value;
    return options;
  };
  using O = MetricOptions;
  CHECK(contains(error_of("bleu", with(&O::tokenize, "14a")),
                 "tokenize: '14a' is unknown; allowed: 13a, zh, intl, char, none"));
  CHECK(contains(error_of("bleu", with(&O::smooth_method, "")),
                 "smooth_method: '' is unknown; allowed: exp, floor, add-k, none"));
  CHECK(contains(error_of("bleu", with(&O::max_ngram_order, 0)),
                 "max_ngram_order: 0 is outside 1 .. 32"));
  CHECK(contains(error_of("bleu", with(&O::max_ngram_order, 33)), "33 is outside"));
  CHECK(contains(error_of("bleu", with(&O::smooth_value, std::nan(""))), "smooth_value: nan"));
  CHECK(contains(error_of("bleu", with(&O::smooth_value, -2.0)), "smooth_value: -2"));
  CHECK(contains(error_of("chrf", with(&O::char_order, -1)), "char_order: -1 is outside 0 .. 32"));
  CHECK(contains(error_of("chrf", with(&O::char_order, 0)), "char_order: 0 together"));
  CHECK(contains(error_of("chrf++", with(&O::word_order, 33)), "word_order: 33"));
  CHECK(contains(error_of("chrf", with(&O::beta, -0.5)), "beta: -0.5 is outside 0 .. 1000"));
  // Options that a metric does not read do not matter to it.
  CHECK(error_of("ter", with(&O::tokenize, "14a")).empty());
  CHECK(make_metric("chrf++", with(&O::char_order, 0)) != nullptr);
}

TEST_CASE("metrics: which options are read", "[similarity]") {
  CHECK(metric_reads("bleu", "tokenize"));
  CHECK(metric_reads("chrf++", "beta"));
  CHECK(metric_reads("ter", "asian_support"));
  CHECK(metric_reads("rougeLsum", "use_stemmer"));
  CHECK_FALSE(metric_reads("bleu", "beta"));
  CHECK_FALSE(metric_reads("bleu", "order"));
  CHECK_FALSE(metric_reads("wer", "lowercase"));
  CHECK_FALSE(metric_reads("wer", ""));
}

TEST_CASE("metrics: signatures are those of sacreBLEU", "[similarity]") {
  MetricOptions options;
  CHECK(make_metric("bleu", options)->signature(1) ==
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp");
  CHECK(make_metric("chrf", options)->signature(2) ==
        "nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no");
  CHECK(make_metric("chrf++", options)->signature(0) ==
        "nrefs:var|case:mixed|eff:yes|nc:6|nw:2|space:no");
  CHECK(make_metric("ter", options)->signature(1) ==
        "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no");
  CHECK(make_metric("rougeL", options)->signature(1).empty());
  options.effective_order = true;
  options.smooth_method = "floor";
  options.lowercase = true;
  CHECK(make_metric("bleu", options)->signature(1) ==
        "nrefs:1|case:lc|eff:yes|tok:13a|smooth:floor[0.10]");
}

TEST_CASE("metrics: goodness maps the best value to 1 and the worst to 0", "[similarity]") {
  CHECK(make_metric("bleu", {})->goodness(25) == 0.25);
  CHECK(make_metric("chrf", {})->goodness(100.00000001) == 1.0);
  CHECK(make_metric("ter", {})->goodness(25) == 0.75);
  CHECK(make_metric("ter", {})->goodness(250) == 0.0);
  CHECK(make_metric("wer", {})->goodness(0.25) == 0.75);
  CHECK(make_metric("cer", {})->goodness(3) == 0.0);
  CHECK(make_metric("rougeL", {})->goodness(0.5) == 0.5);
  CHECK(make_metric("jaro", {})->goodness(0.5) == 0.5);
}

TEST_CASE("metrics: a mean over segments, or pooled counts", "[similarity]") {
  // 1 error of 1 word and 0 of 3: pooled 1/4. Similarities 0 and 1: mean 1/2.
  const auto sum = [](const Metric& metric) {
    MetricStatistics total = metric.prepare({U"x"})->statistics(U"y");
    const MetricStatistics other = metric.prepare({U"a b c"})->statistics(U"a b c");
    for (size_t i = 0; i < total.size(); ++i) total[i] += other[i];
    return metric.value(total);
  };
  CHECK(sum(*make_metric("wer", {})) == 0.25);
  CHECK(sum(*make_metric("edit_similarity", {})) == 0.5);
  CHECK(make_metric("edit_similarity", {})->value({0, 0}) == 0.0);
}

TEST_CASE("metrics: laws of all of them on random sentences", "[similarity]") {
  const std::set<std::string> symmetric = {"rouge1",
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
  MetricOptions options;
  options.effective_order = true;
  std::mt19937 random(27);
  for (int round = 0; round < 150; ++round) {
    const auto a = U"the cat runs " + test::random_sentence(random, random() % 12);
    const auto b = test::random_sentence(random, random() % 12);
    const auto c = test::random_sentence(random, random() % 12);
    for (const std::string& name : metric_names()) {
      const auto metric = make_metric(name, options);
      const double ab = score(name, a, {b}, options);
      const double good = metric->goodness(ab);
      INFO(name << " in round " << round);
      CHECK(std::isfinite(ab));
      CHECK(ab >= 0);
      CHECK(good >= 0);
      CHECK(good <= 1);
      CHECK(close(metric->goodness(score(name, a, {a}, options)), 1));
      if (symmetric.count(name) != 0) CHECK(close(score(name, b, {a}, options), ab));
      CHECK(score(name, a, {b, c}, options) == score(name, a, {c, b}, options));
      // BLEU's clip and TER's mean length can make a further reference harmful.
      if (name != "bleu" && name != "ter")
        CHECK(metric->goodness(score(name, a, {b, c}, options)) >= good);
      CHECK(score(name, a, {b, b}, options) == ab);
    }
  }
}

TEST_CASE("metrics: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(28);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  for (const std::string& name : metric_names()) {
    const auto prepared = make_metric(name, {})->prepare({texts[0], texts[1]});
    INFO(name);
    CHECK(test::same_in_threads(40, [&](int i) { return prepared->statistics(texts[size_t(i)]); }));
  }
}

}  // namespace
}  // namespace pgtrain
