#include "report/report_completions.h"
#include "report/run_figures.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "report/html_table.h"
#include "report/svg_axis.h"
#include "report/svg_plot.h"
#include "report/text_diff.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr size_t kPicksOfEach = 3;
constexpr size_t kMinForHistogram = 20;

Html left_out(const ShownText& shown) {
  if (shown.left_out == 0) return {};
  return element("span", {{"class", "note"}},
                 text(fmt::format(" \u2026 {} more bytes",
                                  format_count(static_cast<double>(shown.left_out)))));
}

// A text of a model or of the data under a label. dir="auto" keeps its direction inside its box.
Html text_box(const char* label, const Html& content) {
  return element(
      "div", {{"class", "text"}},
      {element("div", {{"class", "label"}}, text(label)),
       element("div", {{"class", "body"}, {"dir", "auto"}},
               content.empty() ? element("span", {{"class", "note"}}, text("(empty)")) : content)});
}

// One side of the difference: `mark` is what only this side has.
Html marked_text(const std::vector<DiffRun>& runs, Edit mark, const char* tag) {
  Html out;
  for (const DiffRun& run : runs) {
    if (run.edit == Edit::kEqual) out += text(run.text);
    if (run.edit == mark) out += element(tag, {}, text(run.text));
  }
  return out;
}

Html beside_target(const CompletionSample& sample) {
  const auto runs =
      diff_texts(decode_utf8_lossy(sample.target.text), decode_utf8_lossy(sample.completion.text));
  return element(
      "div", {{"class", "pair"}},
      {text_box("completion",
                Html{marked_text(runs, Edit::kInsert, "ins"), left_out(sample.completion)}),
       text_box("target", Html{marked_text(runs, Edit::kDelete, "del"), left_out(sample.target)})});
}

const RewardPartOptions* options_of(const ExperimentConfig& config, const std::string& part) {
  for (const RewardPartOptions& options : config.reward)
    if (options.resolved_name() == part) return &options;
  return nullptr;
}

// Value, weight and product of every part; the products add up to the reward.
Html parts_table(const CompletionSample& sample, const ExperimentConfig& config) {
  if (sample.parts.empty()) return {};
  Html rows;
  for (const auto& [name, value] : sample.parts) {
    const RewardPartOptions* options = options_of(config, name);
    rows +=
        element("tr", {},
                {row_header(name), number_cell(format_value(value)),
                 number_cell(options == nullptr ? "" : "\u00D7 " + json_number(options->weight)),
                 number_cell(options == nullptr ? "" : format_value(value * options->weight))});
  }
  return element("table", {{"class", "parts"}},
                 {table_head({{"part"}, {"value", true}, {"weight", true}, {"points", true}}),
                  element("tbody", {}, rows)});
}

std::string facts(const CompletionSample& sample, bool has_step) {
  std::string out =
      fmt::format("record {}, {} token{}", sample.line,
                  format_count(static_cast<double>(sample.length)), sample.length == 1 ? "" : "s");
  if (!sample.is_finished) out += ", cut at the limit";
  return has_step ? fmt::format("step {}, {}", sample.step, out) : out;
}

const CompletionSample* same_record(const std::vector<CompletionSample>& samples, int64_t line) {
  const auto found = std::find_if(samples.begin(), samples.end(),
                                  [&](const CompletionSample& s) { return s.line == line; });
  return found == samples.end() ? nullptr : &*found;
}

Html card(const Pick& pick, const ReportRun& run, bool is_training) {
  const CompletionSample& sample = *pick.sample;
  Html out = element("div", {{"class", "pick-head"}},
                     {element("span", {{"class", "kind"}}, text(pick.kind)), Html::markup(" "),
                      element("b", {}, text(format_value(sample.reward))), Html::markup(" "),
                      element("span", {{"class", "note"}}, text(facts(sample, is_training)))});
  if (!sample.prompt.text.empty())
    out += text_box("prompt", Html{text(sample.prompt.text), left_out(sample.prompt)});
  out += beside_target(sample);
  const CompletionSample* before =
      is_training ? nullptr : same_record(run.completions.first_evaluation, sample.line);
  if (before != nullptr)
    out += text_box(
        fmt::format("at step {}: reward {}", before->step, format_value(before->reward)).c_str(),
        Html{text(before->completion.text), left_out(before->completion)});
  if (!sample.notes.empty()) out += text_box("notes", text(sample.notes));
  out += parts_table(sample, run.record.config);
  return element("article", {{"class", "pick"}}, out);
}

Html cards(const std::vector<CompletionSample>& samples, const ReportRun& run, bool is_training) {
  Html out;
  for (const Pick& pick : pick_samples(samples, kPicksOfEach)) out += card(pick, run, is_training);
  return out.empty() ? out : element("div", {{"class", "picks"}}, out);
}

Html histogram(const std::vector<CompletionSample>& samples) {
  if (samples.size() < kMinForHistogram) return {};
  std::vector<double> rewards;
  for (const CompletionSample& sample : samples) rewards.push_back(sample.reward);
  const Html picture = svg_histogram("Rewards of the last evaluation", "reward", rewards);
  if (picture.empty()) return {};
  const std::string unit = fmt::format("{} logged completions", samples.size());
  return element(
      "div", {{"class", "charts"}},
      element("figure", {{"class", "chart"}},
              {element("figcaption", {},
                       {element("strong", {}, text("Rewards of the last evaluation")),
                        Html::markup(" "), element("span", {{"class", "unit"}}, text(unit))}),
               picture}));
}

Html legend() {
  return element("p", {{"class", "note"}},
                 {element("ins", {}, text("only in the completion")), Html::markup(" "),
                  element("del", {}, text("only in the target"))});
}

}  // namespace

Html completions_section(const ReportRun& run, std::string_view heading) {
  const CompletionLog& log = run.completions;
  const Html evaluation = cards(log.last_evaluation, run, false);
  const Html training = cards(log.training, run, true);
  if (evaluation.empty() && training.empty()) return {};
  Html out = legend();
  if (!evaluation.empty()) {
    out +=
        element(heading, {},
                text(fmt::format("Held out, at step {}: best, median and worst of {} logged",
                                 log.last_evaluation[0].step,
                                 format_count(static_cast<double>(log.last_evaluation.size())))));
    out += histogram(log.last_evaluation);
    out += evaluation;
  }
  if (!training.empty()) {
    const std::string title = fmt::format(
        "In training, after step {}: best, median and worst of {} logged",
        last_tenth_after(run.record), format_count(static_cast<double>(log.training.size())));
    out += element("details", {}, {element("summary", {}, text(title)), training});
  }
  return out;
}

Html words_section(const ReportRun& run) {
  if (run.completions.words.empty()) return {};
  using Entry = std::pair<std::string, WordCount>;
  std::vector<Entry> order(run.completions.words.begin(), run.completions.words.end());
  std::stable_sort(order.begin(), order.end(), [](const Entry& a, const Entry& b) {
    return a.second.training + a.second.held_out > b.second.training + b.second.held_out;
  });
  Html rows;
  for (const auto& [word, count] : order)
    rows +=
        element("tr", {},
                {row_header(word), number_cell(format_count(static_cast<double>(count.training))),
                 number_cell(format_count(static_cast<double>(count.held_out)))});
  const std::string note =
      fmt::format("How many of the {} completions that the run logged hold the word.",
                  format_count(static_cast<double>(run.completions.count)));
  return element("p", {{"class", "note"}}, text(note)) +
         table({{"word"}, {"in training", true}, {"held out", true}}, rows);
}

}  // namespace pgtrain
