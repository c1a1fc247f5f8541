#include "config/scalar.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

std::string integer_error(const std::string& text) {
  return message_of<ConfigError>([&] { parse_integer(text); });
}
std::string number_error(const std::string& text) {
  return message_of<ConfigError>([&] { parse_number(text); });
}

uint64_t bits(double value) {
  uint64_t result = 0;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

TEST_CASE("boolean: the six words in three spellings, nothing else", "[config]") {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "on", "ON"})
    CHECK(parse_boolean(text));
  for (const char* text : {"false", "False", "no", "NO", "off", "Off"})
    CHECK_FALSE(parse_boolean(text));
  for (const char* text : {"1", "0", "y", "n", "tRue", "", "truee", "null"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_boolean(text), ConfigError);
  }
}

TEST_CASE("integer: decimal digits and exact real notations", "[config]") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-0") == 0);
  CHECK(parse_integer("+12") == 12);
  CHECK(parse_integer("-7") == -7);
  CHECK(parse_integer("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CHECK(parse_integer("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  CHECK(parse_integer("1e3") == 1000);
  CHECK(parse_integer("1.5e1") == 15);
  CHECK(parse_integer("3.0") == 3);
  CHECK(parse_integer("-2E2") == -200);
}

TEST_CASE("integer: notations that readers disagree about are refused with the reason",
          "[config]") {
  CHECK(contains(integer_error("010"), "octal"));
  CHECK(contains(integer_error("-010"), "octal"));
  CHECK(contains(integer_error("0x10"), "only decimal"));
  CHECK(contains(integer_error("0o17"), "only decimal"));
  CHECK(contains(integer_error("0b1"), "only decimal"));
  CHECK(contains(integer_error("1_000"), "underscores"));
  CHECK(contains(integer_error("1.5"), "not a whole number"));
  CHECK(contains(integer_error("1e-1"), "not a whole number"));
  CHECK(contains(integer_error("9223372036854775808"), "64-bit integer"));
  CHECK(contains(integer_error("1e30"), "too large"));
  CHECK(contains(integer_error("1e999"), "does not fit"));
  CHECK(contains(integer_error(".inf"), "finite"));
  for (const char* text : {"", "+", "-", "abc", "1 2", "1,5", "5k", "--1", "+-1", "1:30", ".", "e5",
                           "1e", "1e+", "0x"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_integer(text), ConfigError);
  }
}

TEST_CASE("number: decimal, finite", "[config]") {
  CHECK(parse_number("1e-3") == 1e-3);
  CHECK(parse_number("+.5") == 0.5);
  CHECK(parse_number("5.") == 5.0);
  CHECK(parse_number("3") == 3.0);
  CHECK(bits(parse_number("-0.0")) == bits(-0.0));
  CHECK(parse_number("5e-324") == 5e-324);
  CHECK(parse_number("0.1000000000000000055511151231257827") == 0.1);
  for (const char* text : {".nan", ".NaN", "nan", ".inf", "-.inf", "+.Inf", "inf", "-Infinity"}) {
    INFO(text);
    CHECK(contains(number_error(text), "finite"));
  }
  CHECK(contains(number_error("1e400"), "does not fit"));
  CHECK(contains(number_error("010"), "octal"));
  CHECK(contains(number_error("00.5"), "octal"));
  CHECK(contains(number_error("0x1p3"), "only decimal"));
  CHECK(contains(number_error("1_0.5"), "underscores"));
  for (const char* text : {"", "x", "1e", "1.2.3", "1e5x", "1 "})
    CHECK_THROWS_AS(parse_number(text), ConfigError);
}

TEST_CASE("number text reads back to the same bits and always looks like a real number",
          "[config]") {
  CHECK(number_text(1) == "1.0");
  CHECK(number_text(0.001) == "0.001");
  CHECK(number_text(1e-5) == "1.0e-05");
  CHECK(number_text(-0.0) == "-0.0");
  CHECK(number_text(1e22) == "1.0e+22");
  for (const double value :
       {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.125, 2.2250738585072014e-308})
    CHECK(bits(parse_number(number_text(value))) == bits(value));
}

TEST_CASE("text is plain only where every reader takes it for a text", "[config]") {
  for (const char* text : {"rloo", "data/x.jsonl", "/tmp/a-b_c.d", "_x"})
    CHECK(yaml_text(text) == text);
  CHECK(yaml_text("") == "\"\"");
  CHECK(yaml_text("5") == "\"5\"");
  for (const char* text : {"true", "No", "off", "null", "y", "N", "1e3", "-x", ".5", "a b", "a: b",
                           "a,b", "[x]", "#x", "~", "é"})
    CHECK(yaml_text(text) == "\"" + std::string(text) + "\"");
  CHECK(yaml_text("a\n\t\"\\\x01\x7f") == "\"a\\n\\t\\\"\\\\\\x01\\x7f\"");
  CHECK(yaml_text("\xe2\x80\xa8\xc2\x85\xef\xbb\xbf") == "\"\\u2028\\x85\\ufeff\"");
}

TEST_CASE("scalar text of every kind", "[config]") {
  CHECK(scalar_text(true) == "true");
  CHECK(scalar_text(int64_t{-3}) == "-3");
  CHECK(scalar_text(0.5) == "0.5");
  CHECK(scalar_text(std::string("a b")) == "\"a b\"");
  CHECK(scalar_text(std::vector<std::string>{"a", "b c"}) == "[a, \"b c\"]");
  CHECK(scalar_text(std::vector<std::string>{}) == "[]");
}

TEST_CASE("quotes for messages cut long texts at a character and hide control characters",
          "[config]") {
  CHECK(in_quotes("a\x1b[31m") == "'a?[31m'");
  const std::string cut = in_quotes(std::string(79, 'a') + "\xc3\xa9" + "bcd");
  CHECK(cut == "'" + std::string(79, 'a') + "...'");
  CHECK(in_quotes(std::string(78, 'a') + "\xc3\xa9" + "b") ==
        "'" + std::string(78, 'a') + "\xc3\xa9...'");
  CHECK(in_quotes(std::string(80, 'a')) == "'" + std::string(80, 'a') + "'");
}

}  // namespace
}  // namespace pgtrain
