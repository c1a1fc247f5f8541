#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "config/load.h"
#include "core/error.h"
#include "core/files.h"
#include "metrics/row.h"
#include "reward/options.h"
#include "similarity/corpus_score.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 30;

struct Flags {
  std::string hypotheses = "-";
  std::vector<std::string> references;
  std::vector<std::string> metrics = {"bleu", "chrf", "ter"};
  std::vector<std::string> overrides;
  std::string tokenize;
  bool lowercase = false;
  bool use_stemmer = false;
  int threads = 0;
  bool per_line = false;
  bool json = false;
};

// Lines end with LF or CR LF; what follows the last LF is a line when it is not empty.
std::vector<std::string> read_lines(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  const std::string bytes = path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                        : read_file(path, kMaxFileBytes);
  std::vector<std::string> lines;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    std::string line = bytes.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t invalid = find_invalid_utf8(line);
    if (invalid != std::string::npos)
      throw DataError(
          fmt::format("{}:{}: is not UTF-8 at byte {}", name, lines.size() + 1, invalid + 1));
    lines.push_back(std::move(line));
  }
  return lines;
}

Corpus read_corpus(const Flags& flags) {
  const auto dashes = std::count(flags.references.begin(), flags.references.end(), "-") +
                      (flags.hypotheses == "-" ? 1 : 0);
  if (dashes > 1) throw ConfigError("only one of the files can be standard input ('-')");
  Corpus corpus;
  corpus.hypotheses = read_lines(flags.hypotheses);
  for (const std::string& path : flags.references) {
    corpus.references.push_back(read_lines(path));
    if (corpus.references.back().size() != corpus.hypotheses.size())
      throw DataError(
          fmt::format("{} has {} lines, the hypotheses have {}: line n of each belongs "
                      "together",
                      path == "-" ? "standard input" : path, corpus.references.back().size(),
                      corpus.hypotheses.size()));
  }
  if (corpus.hypotheses.empty()) throw DataError("the hypotheses are empty");
  return corpus;
}

MetricOptions metric_options(const Flags& flags) {
  std::vector<std::string> overrides = flags.overrides;
  for (const std::string& text : flags.overrides)
    if ((!flags.tokenize.empty() && text.rfind("tokenize=", 0) == 0) ||
        (flags.lowercase && text.rfind("lowercase=", 0) == 0) ||
        (flags.use_stemmer && text.rfind("use_stemmer=", 0) == 0))
      throw ConfigError(fmt::format("--set {}: has a flag that is given, too", text));
  if (!flags.tokenize.empty()) overrides.push_back("tokenize=" + flags.tokenize);
  if (flags.lowercase) overrides.emplace_back("lowercase=true");
  if (flags.use_stemmer) overrides.emplace_back("use_stemmer=true");
  MetricOptions options;
  options.effective_order = flags.per_line;  // as sacreBLEU at sentence level
  Section root;
  describe(root, options);
  const Loaded loaded = load(root, {}, overrides);
  for (const auto& item : root.items()) {
    const bool is_read =
        std::any_of(flags.metrics.begin(), flags.metrics.end(),
                    [&](const std::string& m) { return metric_reads(m, item.key); });
    if (loaded.is_set(item.key) && !is_read)
      throw ConfigError(
          fmt::format("option '{}' has no effect on {}", item.key, fmt::join(flags.metrics, ", ")));
  }
  return options;
}

struct Result {
  std::string metric;
  std::string signature;
  CorpusScore score;
  double seconds = 0;
};

Result score_metric(const std::string& name, const MetricOptions& options, const Corpus& corpus,
                    WorkerPool& pool) {
  const auto metric = make_metric(name, options);
  const auto begin = std::chrono::steady_clock::now();
  Result result{name, metric->signature(static_cast<int64_t>(corpus.references.size())),
                score_corpus(*metric, corpus, pool), 0};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::string corpus_table(const std::vector<Result>& results, bool as_json, size_t segments,
                         int threads) {
  std::string text;
  auto list = nlohmann::ordered_json::array();
  for (const Result& result : results) {
    text += fmt::format("{:20} {:>12.6f}  {}", result.metric, result.score.value, result.signature);
    text.resize(text.find_last_not_of(' ') + 1);
    text += '\n';
    nlohmann::ordered_json entry = {{"name", result.metric}, {"score", result.score.value}};
    if (!result.signature.empty()) entry["signature"] = result.signature;
    for (const auto& [name, value] : result.score.details) entry[name] = value;
    entry["segments"] = segments;
    entry["threads"] = threads;
    entry["seconds"] = result.seconds;
    entry["segments_per_second"] = static_cast<double>(segments) / std::max(1e-9, result.seconds);
    list.push_back(entry);
  }
  return as_json ? list.dump(1) + "\n" : text;
}

std::string segment_lines(const std::vector<Result>& results, bool as_json) {
  std::string text;
  for (size_t i = 0; i < results.front().score.segments.size(); ++i) {
    Row row;
    row.set("line", static_cast<int64_t>(i + 1));
    std::string columns;
    for (const Result& result : results) {
      row.set(result.metric, result.score.segments[i]);
      columns += (columns.empty() ? "" : "\t") + json_number(result.score.segments[i]);
    }
    text += as_json ? to_json_line(row) : columns + "\n";
  }
  return text;
}

int run_score(const Flags& flags) {
  const MetricOptions options = metric_options(flags);
  const Corpus corpus = read_corpus(flags);
  WorkerPool pool(flags.threads);
  std::vector<Result> results;
  for (const std::string& name : flags.metrics)
    results.push_back(score_metric(name, options, corpus, pool));
  print(flags.per_line ? segment_lines(results, flags.json)
                       : corpus_table(results, flags.json, corpus.hypotheses.size(), pool.size()));
  return kExitDone;
}

}  // namespace

void add_score_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "score", "Compare texts with references: BLEU, chrF, TER, ROUGE, WER, edit similarities");
  command
      ->add_option("-i,--hypotheses", flags->hypotheses,
                   "file of one text a line; - = standard input")
      ->capture_default_str();
  command
      ->add_option("-r,--references", flags->references,
                   "one or more files; line n belongs to line n of the hypotheses")
      ->required();
  command->add_option("-m,--metric", flags->metrics, "one or more of the metrics")
      ->check(CLI::IsMember(metric_names()))
      ->capture_default_str();
  command->add_option("--tokenize", flags->tokenize, "of bleu: 13a, zh, intl, char or none");
  command->add_flag("--lowercase", flags->lowercase, "bleu and chrf: compare in lower case");
  command->add_flag("--use-stemmer", flags->use_stemmer, "rouge: compare stems of English words");
  command
      ->add_option("-s,--set", flags->overrides,
                   "any option of a metric, such as smooth_method=floor, word_order=2 or "
                   "normalized=true; all: pgtrain config explain reward")
      ->allow_extra_args(false);
  command->add_option("--threads", flags->threads, "0 = one for each core; never changes results")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--per-line", flags->per_line,
                    "a line for each text instead of one value for all (bleu then counts only the "
                    "orders that the text has, as sacreBLEU at sentence level)");
  command->add_flag("--json", flags->json, "JSON instead of text");
  command->footer(
      "A line is a text, so that rougeLsum, which splits at line ends, sees one sentence a text; "
      "rouge is the mean "
      "over the texts.\n"
      "Values are those of sacreBLEU 2.6, rouge_score 0.1.2, jiwer 4 and RapidFuzz 3.14 to the "
      "last digit.\n"
      "Examples:\n"
      "  pgtrain score --references ref.txt < hyp.txt\n"
      "  pgtrain score -i hyp.txt -r ref1.txt ref2.txt -m chrf++ --json\n"
      "  pgtrain score -i hyp.zh -r ref.zh -m bleu --tokenize zh --per-line\n"
      "  pgtrain score -i hyp.txt -r ref.txt -m rougeL rouge1 --use-stemmer");
  command->callback([flags, &action] { action = [flags] { return run_score(*flags); }; });
}

}  // namespace pgtrain
