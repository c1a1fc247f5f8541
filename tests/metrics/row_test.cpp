#include "metrics/row.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST_CASE("row: compact JSON in the order of setting", "[metrics]") {
  Row row;
  row.set("step", 12)
      .set("reward", 0.1)
      .set("split", "train")
      .set("ok", true)
      .set("big", int64_t{1} << 62);
  row.set("kl", -0.0).set("lr", 1e-7).set("n", 3.0);
  CHECK(to_json_line(row) ==
        "{\"step\":12,\"reward\":0.1,\"split\":\"train\",\"ok\":1,\"big\":4611686018427387904,"
        "\"kl\":-0,\"lr\":1e-07,\"n\":3}\n");
  CHECK(to_json_line(Row()) == "{}\n");
}

TEST_CASE("row: setting again replaces in place", "[metrics]") {
  Row row;
  row.set("a", 1).set("b", 2).set("a", 2.5);
  CHECK(to_json_line(row) == "{\"a\":2.5,\"b\":2}\n");
}

TEST_CASE("row: non-finite values are null and listed", "[metrics]") {
  Row row;
  row.set("loss", kNan).set("step", 1).set("kl", -kInfinity);
  CHECK(to_json_line(row) ==
        "{\"loss\":null,\"step\":1,\"kl\":null,\"nonfinite\":[\"loss\",\"kl\"]}\n");
}

TEST_CASE("row: doubles read back to the same bits, floats as themselves", "[metrics]") {
  for (const double value : {0.1 + 0.2, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456.789}) {
    Row row;
    row.set("x", value);
    CHECK(nlohmann::json::parse(to_json_line(row))["x"].get<double>() == value);
  }
  Row row;
  row.set("x", 0.5F);
  CHECK(to_json_line(row) == "{\"x\":0.5}\n");
  CHECK_THROWS_AS(json_number(kNan), InternalError);
}

TEST_CASE("row: texts are escaped and stay one line, ill-formed UTF-8 is replaced", "[metrics]") {
  Row row;
  row.set("a\"b", "x\n\xe2\x82\xac\xff\\");
  CHECK(to_json_line(row) == "{\"a\\\"b\":\"x\\n\xe2\x82\xac\xef\xbf\xbd\\\\\"}\n");
}

TEST_CASE("row: reading values back", "[metrics]") {
  Row row;
  row.set("n", 3).set("x", 0.5).set("s", "t");
  CHECK(row.number("n") == 3.0);
  CHECK(row.number("x") == 0.5);
  CHECK_THROWS_AS(row.number("s"), InternalError);
  CHECK_THROWS_AS(row.number("none"), InternalError);
  CHECK(row.find("none") == nullptr);
  CHECK(std::get<std::string>(*row.find("s")) == "t");
  CHECK(row.values().size() == 3);
}

}  // namespace
}  // namespace pgtrain
