#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "metrics/row.h"
#include "report/compare.h"
#include "report/text_table.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxCell = 32;

using Cells = std::vector<std::string>;

// Keys by their last word where no other key has the same.
Cells short_names(const std::vector<std::string>& keys) {
  const auto last_word = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  Cells result;
  for (const std::string& key : keys) {
    const std::string word = last_word(key);
    const auto same = std::count_if(keys.begin(), keys.end(), [&](const std::string& other) {
      return last_word(other) == word;
    });
    result.push_back(same == 1 ? word : key);
  }
  return result;
}

// Escaped; long ones by their end, which is where paths differ.
std::string cell_of(const std::string& value) {
  std::string text = escape_text(value);
  if (text.empty()) return "-";
  if (width_of(text) <= kMaxCell) return text;
  size_t start = text.size() - (kMaxCell - 3);
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80) ++start;
  return "..." + text.substr(start);
}

std::string number_cell(double value) {
  if (!std::isfinite(value)) return "nan";
  return std::abs(value) < 1e5 ? fmt::format("{:.4f}", value) : fmt::format("{:.6g}", value);
}

std::string interval_cell(const Estimate& estimate) {
  if (estimate.count == 0) return "-";
  std::string text = number_cell(estimate.mean);
  if (estimate.half_width) text += " ± " + number_cell(*estimate.half_width);
  return text;
}

std::string csv_number(std::optional<double> value) {
  return value && std::isfinite(*value) ? json_number(*value) : "";
}

void add_csv(Cells& row, const Estimate& estimate) {
  row.push_back(std::to_string(estimate.count));
  row.push_back(csv_number(estimate.count == 0 ? std::optional<double>() : estimate.mean));
  row.push_back(csv_number(estimate.std));
  const bool has_interval = estimate.half_width.has_value();
  const double half_width = estimate.half_width.value_or(0);
  row.push_back(has_interval ? csv_number(estimate.mean - half_width) : "");
  row.push_back(has_interval ? csv_number(estimate.mean + half_width) : "");
}

std::string csv_line(const Cells& row) { return fmt::format("{}\r\n", fmt::join(row, ",")); }

nlohmann::ordered_json json_of(const Estimate& estimate) {
  if (estimate.count == 0) return nullptr;
  nlohmann::ordered_json result = {{"count", estimate.count}, {"mean", estimate.mean}};
  if (estimate.std) result["std"] = *estimate.std;
  if (estimate.half_width)
    result["ci95"] = {estimate.mean - *estimate.half_width, estimate.mean + *estimate.half_width};
  return result;
}

// A canonical value is JSON when it is a number, a truth value or a quoted text.
nlohmann::ordered_json json_of_setting(const std::string& value) {
  if (value.empty()) return nullptr;
  auto parsed = nlohmann::ordered_json::parse(value, nullptr, false);
  if (parsed.is_discarded() || parsed.is_structured()) return replace_invalid_utf8(value);
  return parsed;
}

}  // namespace

std::string comparison_table(const Comparison& comparison) {
  std::vector<Cells> rows(1);
  for (const std::string& name : short_names(comparison.keys)) rows[0].push_back(cell_of(name));
  rows[0].insert(rows[0].end(),
                 {"runs", "eval_reward", "sd", "best_eval_reward", "reward", "state"});
  for (const RunGroup& group : comparison.groups) {
    Cells row;
    for (const std::string& value : group.settings) row.push_back(cell_of(value));
    row.push_back(std::to_string(group.runs));
    row.push_back(interval_cell(group.eval_reward));
    row.push_back(group.eval_reward.std ? number_cell(*group.eval_reward.std) : "-");
    row.push_back(interval_cell(group.best_eval_reward));
    row.push_back(interval_cell(group.reward));
    row.push_back(group.state);
    rows.push_back(std::move(row));
  }
  return aligned_table(rows, Align::kLeft);
}

std::string comparison_csv(const Comparison& comparison) {
  Cells header;
  for (const std::string& key : comparison.keys) header.push_back(csv_field(key));
  header.emplace_back("runs");
  for (const char* name : {"eval_reward", "best_eval_reward", "reward"})
    for (const char* what : {"count", "mean", "std", "ci95_low", "ci95_high"})
      header.push_back(fmt::format("{}_{}", name, what));
  header.emplace_back("state");
  std::string text = csv_line(header);
  for (const RunGroup& group : comparison.groups) {
    Cells row;
    for (const std::string& value : group.settings) row.push_back(csv_field(value));
    row.push_back(std::to_string(group.runs));
    for (const Estimate* estimate : {&group.eval_reward, &group.best_eval_reward, &group.reward})
      add_csv(row, *estimate);
    row.push_back(csv_field(group.state));
    text += csv_line(row);
  }
  return text;
}

std::string comparison_json(const Comparison& comparison) {
  auto groups = nlohmann::ordered_json::array();
  for (const RunGroup& group : comparison.groups) {
    nlohmann::ordered_json settings = nlohmann::ordered_json::object();
    for (size_t i = 0; i < comparison.keys.size(); ++i)
      settings[replace_invalid_utf8(comparison.keys[i])] = json_of_setting(group.settings[i]);
    auto seeds = nlohmann::ordered_json::array();
    for (const std::string& seed : group.seeds) seeds.push_back(json_of_setting(seed));
    auto names = nlohmann::ordered_json::array();
    for (const std::string& name : group.names) names.push_back(replace_invalid_utf8(name));
    groups.push_back({{"settings", settings},
                      {"runs", group.runs},
                      {"eval_reward", json_of(group.eval_reward)},
                      {"best_eval_reward", json_of(group.best_eval_reward)},
                      {"reward", json_of(group.reward)},
                      {"state", group.state},
                      {"seeds", seeds},
                      {"names", names}});
  }
  return nlohmann::ordered_json{{"keys", comparison.keys}, {"groups", groups}}.dump(
             1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

}  // namespace pgtrain
