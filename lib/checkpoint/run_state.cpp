#include "checkpoint/run_state.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/strict_json.h"
#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int64_t kSchema = 2;

// The one list of fields, in the order of writing. State is RunState or const RunState.
template <class State, class Visitor>
void visit_fields(State& state, Visitor&& visit) {
  visit.phase("phase", state.phase);
  visit("step", state.step);
  visit("cursor_epoch", state.cursor_epoch);
  visit("cursor_position", state.cursor_position);
  visit("optimizer_steps", state.optimizer_steps);
  visit("ema_baseline", state.ema_baseline);
  visit("ema_count", state.ema_count);
  visit("kl_coef", state.kl_coef);
  visit("entropy_coef", state.entropy_coef);
  visit("last_entropy", state.last_entropy);
  visit.digest("start_digest", state.start_digest);
  visit.digest("reference_digest", state.reference_digest);
  visit("num_tokens", state.num_tokens);
  visit("has_best", state.has_best);
  visit("best_score", state.best_score);
  visit("best_step", state.best_step);
  visit("nonfinite_in_a_row", state.nonfinite_in_a_row);
  visit("nonfinite_total", state.nonfinite_total);
  visit("metrics_length", state.metrics_length);
  visit("completions_length", state.completions_length);
}

bool is_phase(const std::string& text) { return text == "warmup" || text == "train"; }

// Empty or a SHA-256 in hexadecimal digits.
bool is_digest(const std::string& text) {
  return text.empty() ||
         (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos);
}

struct Writer {
  nlohmann::ordered_json& json;

  void phase(const char* key, const std::string& value) const {
    PG_CHECK(is_phase(value), "{} is {}", key, value);
    json[key] = value;
  }
  void digest(const char* key, const std::string& value) const {
    PG_CHECK(is_digest(value), "{} is {}", key, value);
    json[key] = value;
  }
  void operator()(const char* key, bool value) const { json[key] = value; }
  void operator()(const char* key, uint64_t value) const { json[key] = value; }
  void operator()(const char* key, int64_t value) const {
    PG_CHECK(value >= 0, "{} is {}", key, value);
    json[key] = value;
  }
  void operator()(const char* key, double value) const {
    PG_CHECK(std::isfinite(value), "{} is {}", key, value);
    json[key] = value;
  }
};

struct Reader {
  const nlohmann::json& json;
  const std::string& file;
  std::set<std::string>& known;

  [[noreturn]] void fail(const char* key, const char* needed) const {
    throw DataError(fmt::format("{}: \"{}\" must be {}", file, key, needed));
  }
  const nlohmann::json& at(const char* key) const {
    known.insert(key);
    const auto found = json.find(key);
    if (found == json.end()) throw DataError(fmt::format("{}: \"{}\" is missing", file, key));
    return *found;
  }
  void phase(const char* key, std::string& value) const {
    const auto& item = at(key);
    if (!item.is_string() || !is_phase(item.get_ref<const std::string&>()))
      fail(key, "\"warmup\" or \"train\"");
    value = item.get<std::string>();
  }
  void digest(const char* key, std::string& value) const {
    const auto& item = at(key);
    if (!item.is_string() || !is_digest(item.get_ref<const std::string&>()))
      fail(key, "empty or 64 hexadecimal digits");
    value = item.get<std::string>();
  }
  void operator()(const char* key, bool& value) const {
    if (!at(key).is_boolean()) fail(key, "true or false");
    value = at(key).get<bool>();
  }
  void operator()(const char* key, uint64_t& value) const {
    if (!at(key).is_number_unsigned()) fail(key, "an integer of at least 0");
    value = at(key).get<uint64_t>();
  }
  void operator()(const char* key, int64_t& value) const {
    uint64_t number = 0;
    (*this)(key, number);
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      fail(key, "below 2^63");
    value = static_cast<int64_t>(number);
  }
  void operator()(const char* key, double& value) const {
    if (!at(key).is_number_float()) fail(key, "a number with a decimal point");
    value = at(key).get<double>();
  }
};

}  // namespace

std::string RunState::to_json() const {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  visit_fields(*this, Writer{json});
  return json.dump(2) + "\n";
}

RunState RunState::from_json(const std::string& text, const std::string& file) {
  const nlohmann::json json = parse_strict_json(text, file);
  if (!json.is_object()) throw DataError(file + ": must be a JSON object");
  std::set<std::string> known;
  const Reader read{json, file, known};
  // The schema first: another one has other keys.
  int64_t schema = 0;
  read("schema", schema);
  if (schema != kSchema)
    throw DataError(
        fmt::format("{}: \"schema\" is {}, this pgtrain reads {}", file, schema, kSchema));
  RunState state;
  visit_fields(state, read);
  for (const auto& item : json.items())
    if (known.count(item.key()) == 0)
      throw DataError(fmt::format("{}: \"{}\" is not a known key", file, item.key()));
  return state;
}

}  // namespace pgtrain
