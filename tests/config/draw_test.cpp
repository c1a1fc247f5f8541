#include "config/draw.h"

#include <map>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain::test {
namespace {

std::string draw_error(const std::string& text) {
  return message_of<ConfigError>([&] { Draw draw(text); });
}

TEST_CASE("draw: uniform and logarithmic, by hand", "[config]") {
  CHECK(Draw("uniform:0..1").at(0.25) == "0.25");
  CHECK(Draw("uniform:-2..2").at(0.5) == "0.0");
  CHECK(Draw("log:1e-4..1e-2").at(0) == "1.0e-04");
  CHECK(Draw("log:1e-4..1e-2").at(0.5) == "0.001");
  CHECK(Draw("log:1..100").at(0.25) == "3.162");  // 10^0.5
  // Rounded to the digits that the range needs, not to those of the value.
  CHECK(Draw("uniform:1000..1001").at(0.12344) == "1000.123");
}

TEST_CASE("draw: rounding never leaves the range", "[config]") {
  CHECK(Draw("uniform:0.12344..0.9").at(0) == "0.12344");
  CHECK(std::stod(Draw("uniform:0..0.99996").at(std::nextafter(1.0, 0.0))) <= 0.99996);
}

TEST_CASE("draw: integers and choices come equally often, both ends included", "[config]") {
  std::map<std::string, int> counts;
  for (int i = 0; i < 3000; ++i) ++counts[Draw("int:2..4").at(i / 3000.0)];
  CHECK(counts == std::map<std::string, int>{{"2", 1000}, {"3", 1000}, {"4", 1000}});
  CHECK(Draw("int:-3..-3").at(0.7) == "-3");
  const Draw choice("choice:rloo,[1, 2],7..8");
  CHECK((choice.at(0) == "rloo" && choice.at(0.3) == "[1, 2]" && choice.at(0.5) == "7" &&
         choice.at(0.99) == "8"));
}

TEST_CASE("draw: what is wrong is said", "[config]") {
  CHECK(contains(draw_error("1e-5..1e-2"), "uniform:A..B, log:A..B, int:A..B and choice"));
  CHECK(contains(draw_error("normal:0..1"), "none of"));
  CHECK(contains(draw_error("log"), "none of"));
  CHECK(contains(draw_error("log:0..1"), "above 0"));
  CHECK(contains(draw_error("uniform:1..1"), "empty"));
  CHECK(contains(draw_error("uniform:2..1"), "empty"));
  CHECK(contains(draw_error("uniform:nan..1"), "'nan': it must be finite"));
  CHECK(contains(draw_error("uniform:-1.7e308..1.7e308"), "too wide"));
  CHECK(contains(draw_error("uniform:3"), "1..4"));
  CHECK(contains(draw_error("int:4..2"), "empty"));
  CHECK(contains(draw_error("int:0.5..2"), "'0.5': it is not a whole number"));
  CHECK(contains(draw_error("int:-9223372036854775808..9223372036854775807"), "2^53"));
  CHECK(contains(draw_error("choice:"), "empty"));
}

}  // namespace
}  // namespace pgtrain::test
