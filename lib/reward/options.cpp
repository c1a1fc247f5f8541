#include "reward/options.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "config/problems.h"
#include "config/section.h"
#include "core/error.h"

namespace pgtrain {
namespace {

struct OwnMetric {
  const char* name;
  const char* options;   // names of those that it reads, each between spaces
  const char* required;  // the one that must be given, or null
};

// The metrics beside the text similarities.
constexpr std::array<OwnMetric, 9> kOwnMetrics = {
    {{"distinct", " ngram_order ", nullptr},
     {"embedding_cosine", "", nullptr},
     {"missing_eos", "", nullptr},
     {"overlong", " max_length buffer_length ", nullptr},
     {"repetition", " ngram_order ", nullptr},
     {"blocklist", " words_file ", "words_file"},
     {"format", " pattern full_match ", "pattern"},
     {"number", " tolerance ", nullptr},
     {"command", " command timeout_seconds max_restarts ", "command"}}};

constexpr std::string_view kErrorSuffix = "_similarity";
constexpr std::string_view kOptionsOfAll = " metric weight name scale offset clip_min clip_max ";

const OwnMetric* find_own(const std::string& metric) {
  const auto* const found = std::find_if(kOwnMetrics.begin(), kOwnMetrics.end(),
                                         [&](const OwnMetric& own) { return metric == own.name; });
  return found == kOwnMetrics.end() ? nullptr : found;
}

// Of a metric of similarity/metric.h.
std::string reward_name(const std::string& metric) {
  return is_error_metric(metric) ? metric + std::string(kErrorSuffix) : metric;
}

bool lists(std::string_view options, const std::string& option) {
  return options.find(" " + option + " ") != std::string_view::npos;
}

bool part_reads(const std::string& metric, const std::string& option) {
  if (lists(kOptionsOfAll, option)) return true;
  if (const OwnMetric* own = find_own(metric)) return lists(own->options, option);
  return metric_reads(similarity_metric_of(metric), option);
}

// Not empty.
bool is_given(RewardPartOptions& part, const std::string& option) {
  Section section;
  describe(section, part);
  const Scalar value = std::get<std::unique_ptr<Field>>(section.find(option)->content)->value();
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) return !list->empty();
  return !std::get<std::string>(value).empty();
}

// Every option that was given but that the metric does not read, or not with the others as they
// are.
void check_unused(RewardPartOptions& part, const std::string& path, Problems& problems) {
  const std::string metric = part.resolved_metric();
  Section section;
  describe(section, part);
  for (const Section::Item& item : section.items()) {
    const Field& field = *std::get<std::unique_ptr<Field>>(item.content);
    if (!field.applies() && problems.is_set(path + "." + item.key))
      problems.add(path + "." + item.key, fmt::format("has no effect with metric '{}'", metric));
  }
  const MetricOptions& text = part.text;
  const bool has_value = text.smooth_method == "floor" || text.smooth_method == "add-k";
  if (metric == "bleu" && text.smooth_value >= 0 && !has_value)
    problems.add(path + ".smooth_value",
                 "belongs to smooth_method 'floor' and 'add-k', not '" + text.smooth_method + "'");
  if (metric == "ter_similarity" && text.asian_support && !text.normalized && !text.no_punct)
    problems.add(path + ".asian_support", "has no effect without 'normalized' or 'no_punct'");
}

}  // namespace

void describe(Section& s, MetricOptions& o) {
  s.choice("tokenize", o.tokenize, {"13a", "zh", "intl", "char", "none"},
           "bleu: how texts are cut into tokens, as in sacreBLEU; zh for Chinese");
  s.choice("smooth_method", o.smooth_method, {"exp", "floor", "add-k", "none"},
           "bleu: what stands in for an n-gram order without match");
  s.field("smooth_value", o.smooth_value,
          "bleu: matches that floor or add-k add; below 0 = 0.1 and 1", between(-1.0, 1e6));
  s.field("max_ngram_order", o.max_ngram_order, "bleu: longest n-gram", between(1, 32));
  s.field("effective_order", o.effective_order,
          "bleu: leave out orders for which the completion is too short");
  s.field("lowercase", o.lowercase, "bleu, chrf, chrf++: compare in lower case");
  s.field("char_order", o.char_order, "chrf, chrf++: longest character n-gram", between(0, 32));
  s.field("word_order", o.word_order,
          "chrf, chrf++: longest word n-gram; -1 = the metric's own, 0 and 2", between(-1, 32));
  s.field("beta", o.beta, "chrf, chrf++: how many times recall matters as much as precision",
          between(0.0, 1e3));
  s.field("whitespace", o.whitespace, "chrf, chrf++: white space counts in character n-grams");
  s.field("eps_smoothing", o.eps_smoothing, "chrf, chrf++: average over all orders, as chrF++.py");
  s.field("normalized", o.normalized, "ter: set punctuation apart, decode XML escapes");
  s.field("no_punct", o.no_punct, "ter: ignore punctuation");
  s.field(
      "asian_support", o.asian_support,
      "ter: with normalized cut CJK text into characters, with no_punct ignore its punctuation");
  s.field("case_sensitive", o.case_sensitive, "ter: do not compare in lower case");
  s.field("use_stemmer", o.use_stemmer, "rouge: compare stems of English words");
}

MetricOptions RewardPartOptions::sentence_options() {
  MetricOptions options;
  options.effective_order = true;
  return options;
}

std::string RewardPartOptions::resolved_metric() const {
  if (metric != "auto") return metric;
  return command.empty() ? "edit_similarity" : "command";
}

std::vector<std::string> reward_metric_names() {
  std::vector<std::string> names;
  for (const std::string& name : metric_names()) names.push_back(reward_name(name));
  for (const OwnMetric& own : kOwnMetrics) names.emplace_back(own.name);
  return names;
}

std::string similarity_metric_of(const std::string& reward_metric) {
  for (const std::string& name : metric_names())
    if (reward_metric == reward_name(name)) return name;
  return "";
}

void describe(Section& s, RewardPartOptions& o) {
  std::vector<std::string> metrics = {"auto"};
  for (const std::string& name : reward_metric_names()) metrics.push_back(name);
  s.choice("metric", o.metric, metrics,
           "what is measured (lib/reward/README.md); auto = command when a command is given, else "
           "edit_similarity");
  s.field("weight", o.weight, "factor of this part in the reward; negative = the less the better",
          between(-1e6, 1e6));
  s.field("name", o.name, "name of this part in metrics and reports; empty = its metric");
  s.field("scale", o.scale, "factor of the metric, before offset and clipping", between(-1e6, 1e6));
  s.field("offset", o.offset, "added to the scaled metric", between(-1e6, 1e6));
  s.field("clip_min", o.clip_min, "least value of the part; -1e38 = no limit",
          between(-1e38, 1e38));
  s.field("clip_max", o.clip_max, "largest value of the part; 1e38 = no limit",
          between(-1e38, 1e38));
  describe(s, o.text);
  s.field("max_length", o.max_length,
          "overlong: tokens from which the penalty is full; 0 = rollout.max_new_tokens",
          at_least(0));
  s.field("buffer_length", o.buffer_length,
          "overlong: tokens before max_length over which the penalty grows; 0 = a fifth of "
          "max_length",
          at_least(0));
  s.field("ngram_order", o.ngram_order,
          "distinct, repetition: words in an n-gram; 0 = 2 for distinct, 3 for repetition",
          between(0, 64));
  s.field("words_file", o.words_file,
          "blocklist: file with one word or phrase a line; lines that begin with # are comments");
  s.field("pattern", o.pattern, "format: ICU regular expression");
  s.field("full_match", o.full_match,
          "format: the whole completion must match, not only a piece of it");
  s.field("tolerance", o.tolerance,
          "number: largest difference that counts as equal, as a share of the target",
          between(0.0, 1.0));
  s.field("command", o.command, "command: program and arguments, [python3, my_reward.py]");
  s.field("timeout_seconds", o.timeout_seconds, "command: longest wait for the answers to a batch",
          open_closed(0.0, 86400.0));
  s.field("max_restarts", o.max_restarts,
          "command: times that a program which crashed or hung is started again for one batch",
          between(0, 1000));
  for (const Section::Item& item : s.items())
    std::get<std::unique_ptr<Field>>(item.content)->applies_if([&o, key = item.key] {
      return part_reads(o.resolved_metric(), key);
    });
}

void check(std::vector<RewardPartOptions> parts, Problems& problems) {
  if (parts.empty()) problems.add("reward", "needs at least one part");
  std::map<std::string, size_t> names;
  for (size_t i = 0; i < parts.size(); ++i) {
    RewardPartOptions& part = parts[i];
    const std::string path = "reward." + std::to_string(i);
    const std::string metric = part.resolved_metric();
    check_unused(part, path, problems);
    const OwnMetric* own = find_own(metric);
    if (own != nullptr && own->required != nullptr && !is_given(part, own->required))
      problems.add(path, fmt::format("metric '{}' needs '{}'", metric, own->required));
    if (part.clip_min > part.clip_max)
      problems.add(path + ".clip_min", fmt::format("is more than clip_max ({})", part.clip_max));
    if (part.max_length > 0 && part.buffer_length > part.max_length)
      problems.add(path + ".buffer_length",
                   fmt::format("is more than max_length ({})", part.max_length));
    const auto [entry, is_new] = names.emplace(part.resolved_name(), i);
    if (!is_new)
      problems.add(path + (part.name.empty() ? ".metric" : ".name"),
                   fmt::format("'{}' is the name of reward.{} already; give one of them another "
                               "'name'",
                               part.resolved_name(), entry->second));
  }
}

}  // namespace pgtrain
