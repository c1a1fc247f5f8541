#include "checkpoint/run_state.h"

#include <cstring>
#include <limits>
#include <vector>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

RunState full_state() {
  RunState state;
  state.phase = "warmup";
  state.step = 120;
  state.cursor_epoch = 3;
  state.cursor_position = 17;
  state.optimizer_steps = 240;
  state.ema_baseline = 0.1 + 0.2;
  state.ema_count = 119;
  state.kl_coef = 0.05;
  state.entropy_coef = 1e-3;
  state.last_entropy = 2.5;
  state.start_digest = std::string(64, 'a');
  state.reference_digest = std::string(64, '7');
  state.num_tokens = std::numeric_limits<int64_t>::max();
  state.has_best = true;
  state.best_score = -1.0 / 3;
  state.best_step = 100;
  state.nonfinite_in_a_row = 2;
  state.nonfinite_total = 5;
  state.metrics_length = std::numeric_limits<uint64_t>::max();
  state.completions_length = 4096;
  return state;
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  const size_t at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), by);
}

// The error for full_state() with a part of its text replaced; "" when it is read.
std::string problem(const std::string& part, const std::string& by) {
  return message_of<DataError>(
      [&] { RunState::from_json(replaced(full_state().to_json(), part, by), "x/state.json"); });
}

TEST_CASE("every field makes the round trip", "[checkpoint]") {
  const RunState state = full_state();
  const RunState read = RunState::from_json(state.to_json(), "x");
  CHECK(read.phase == "warmup");
  CHECK(read.step == 120);
  CHECK(read.cursor_epoch == 3);
  CHECK(read.cursor_position == 17);
  CHECK(read.optimizer_steps == 240);
  CHECK(read.ema_baseline == 0.30000000000000004);
  CHECK(read.ema_count == 119);
  CHECK(read.kl_coef == 0.05);
  CHECK(read.entropy_coef == 1e-3);
  CHECK(read.last_entropy == 2.5);
  CHECK(read.start_digest == std::string(64, 'a'));
  CHECK(read.reference_digest == std::string(64, '7'));
  CHECK(read.num_tokens == 9223372036854775807);
  CHECK(read.has_best);
  CHECK(read.best_score == -1.0 / 3);
  CHECK(read.best_step == 100);
  CHECK(read.nonfinite_in_a_row == 2);
  CHECK(read.nonfinite_total == 5);
  CHECK(read.metrics_length == 18446744073709551615U);
  CHECK(read.completions_length == 4096);
  CHECK(read.to_json() == state.to_json());
  CHECK(RunState::from_json(RunState().to_json(), "x").to_json() == RunState().to_json());
}

TEST_CASE("a double comes back with the same bits", "[checkpoint]") {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                1e22,
                                5e-324,
                                Limits::min(),
                                Limits::max(),
                                Limits::lowest(),
                                1.0 + Limits::epsilon(),
                                9007199254740993.0,
                                123456789012345680.0};
  // Bit patterns from all over the range (multiples of an odd constant), finite ones only.
  for (uint64_t i = 1; i <= 20'000; ++i) {
    const uint64_t bits = i * 0x9E3779B97F4A7C15;
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) values.push_back(value);
  }
  bool same = true;
  for (const double value : values) {
    RunState state;
    state.ema_baseline = value;
    const double read = RunState::from_json(state.to_json(), "x").ema_baseline;
    same = same && std::memcmp(&read, &value, sizeof value) == 0;
  }
  CHECK(same);
}

TEST_CASE("what must not be remembered is a bug", "[checkpoint]") {
  RunState state;
  state.ema_baseline = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(message_of<InternalError>([&] { state.to_json(); }), "ema_baseline is nan"));
  state = RunState();
  state.best_score = -std::numeric_limits<double>::infinity();
  CHECK(contains(message_of<InternalError>([&] { state.to_json(); }), "best_score is -inf"));
  state = RunState();
  state.best_step = -1;
  CHECK(contains(message_of<InternalError>([&] { state.to_json(); }), "best_step is -1"));
  state = RunState();
  state.phase = "warm-up";
  CHECK(contains(message_of<InternalError>([&] { state.to_json(); }), "phase is warm-up"));
}

TEST_CASE("a missing, unknown or repeated key is named", "[checkpoint]") {
  CHECK(problem("\"step\": 120", "\"step\": 120") == "");
  CHECK(contains(problem("\"step\": 120,", ""), "x/state.json: \"step\" is missing"));
  CHECK(contains(problem("\"schema\": 2,", ""), "x/state.json: \"schema\" is missing"));
  CHECK(contains(problem("\"step\": 120,", "\"step\": 120, \"extra\": 1,"),
                 "\"extra\" is not a known key"));
  CHECK(contains(problem("\"step\": 120,", "\"step\": 120, \"step\": 121,"),
                 "\"step\" stands there twice"));
}

TEST_CASE("a value of the wrong type or range is named", "[checkpoint]") {
  for (const char* value : {"\"120\"", "120.0", "-1", "null", "true", "[]", "{}"})
    CHECK(contains(problem("\"step\": 120", "\"step\": " + std::string(value)),
                   "\"step\" must be an integer"));
  CHECK(contains(problem("\"step\": 120", "\"step\": 9223372036854775808"),
                 "\"step\" must be below 2^63"));
  CHECK(contains(problem("\"step\": 120", "\"step\": 18446744073709551616"),
                 "\"step\" must be an integer"));
  CHECK(contains(problem("4096", "18446744073709551616"),
                 "\"completions_length\" must be an integer"));
  for (const char* value : {"1", "null", "\"0.5\"", "true"})
    CHECK(contains(problem("0.30000000000000004", value),
                   "\"ema_baseline\" must be a number with a decimal point"));
  CHECK(contains(problem("0.30000000000000004", "1e999"), "state.json: is not valid JSON"));
  CHECK(contains(problem("0.30000000000000004", "NaN"), "state.json: is not valid JSON"));
  CHECK(contains(problem("\"has_best\": true", "\"has_best\": 1"),
                 "\"has_best\" must be true or false"));
  CHECK(contains(problem("\"warmup\"", "\"eval\""), "\"phase\" must be \"warmup\" or \"train\""));
  CHECK(contains(problem("\"warmup\"", "1"), "\"phase\" must be"));
  CHECK(contains(problem(std::string(64, 'a'), std::string(63, 'a')),
                 "\"start_digest\" must be empty or 64 hexadecimal digits"));
  CHECK(contains(problem(std::string(64, '7'), std::string(64, 'g')), "\"reference_digest\""));
}

TEST_CASE("another schema version is refused before its keys are looked at", "[checkpoint]") {
  const auto message =
      message_of<DataError>([] { RunState::from_json(R"({"schema": 1, "old": 1})", "x"); });
  CHECK(contains(message, "\"schema\" is 1, this pgtrain reads 2"));
}

TEST_CASE("text that is not one JSON object is refused", "[checkpoint]") {
  const auto read = [](const std::string& text) {
    return message_of<DataError>([&] { RunState::from_json(text, "x"); });
  };
  for (const char* text : {"", " ", "{", "[", "{}}", "{} x", "\xff", "{\"a\":\"\xff\"}"})
    CHECK(contains(read(text), "x: is not valid JSON"));
  for (const char* text : {"[]", "1", "null", "\"text\""})
    CHECK(contains(read(text), "x: must be a JSON object"));
  CHECK(contains(read(full_state().to_json() + '\0' + "x"), "x: holds a zero byte"));
  CHECK(contains(read(std::string(100'000, '[')), "x: more than 16 levels deep"));
}

TEST_CASE("a state cut at any length or with any changed byte never crashes", "[checkpoint]") {
  const std::string text = full_state().to_json();
  for (size_t length = 0; length + 2 < text.size(); ++length)
    CHECK_THROWS_AS(RunState::from_json(text.substr(0, length), "x"), DataError);
  for (size_t at = 0; at < text.size(); ++at) {
    for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      try {
        RunState::from_json(damaged, "x");
      } catch (const DataError&) {  // any other exception fails the test
      }
    }
  }
}

}  // namespace
}  // namespace pgtrain
