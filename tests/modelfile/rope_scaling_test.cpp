#include "modelfile/rope_scaling.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

TEST_CASE("llama3 factors are what transformers divides the frequencies by", "[modelfile]") {
  const Json cases = Json::parse(test::read_file("tests/golden/modelfile/rope_factors.json"));
  REQUIRE(cases.size() == 3);
  for (const Json& one : cases) {
    Llama3Scaling scaling;
    scaling.factor = one["factor"].get<double>();
    const auto factors =
        llama3_rope_factors(one["theta"].get<double>(), one["head_dim"].get<int64_t>(), scaling);
    const auto expected = one["factors"].get<std::vector<double>>();
    REQUIRE(factors.size() == expected.size());
    for (size_t i = 0; i < factors.size(); ++i)
      CHECK(test::close(factors[i], expected[i], test::kTolerance32));
  }
}

TEST_CASE("rope settings are read in both of transformers' forms", "[modelfile]") {
  CHECK(read_rope_config(Json::object(), "c").theta == 10000);
  CHECK(read_rope_config(Json::object(), "c").type == "default");
  const RopeConfig old = read_rope_config(
      {{"rope_theta", 5e5}, {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}, "c");
  CHECK(old.theta == 5e5);
  CHECK(old.type == "linear");
  CHECK(old.scaling["factor"] == 2.0);
  const RopeConfig recent = read_rope_config(
      {{"rope_parameters", {{"rope_theta", 1e6}, {"rope_type", "llama3"}, {"factor", 8.0}}}}, "c");
  CHECK(recent.theta == 1e6);
  CHECK(recent.type == "llama3");
  const RopeConfig plain =
      read_rope_config({{"rope_parameters", {{"rope_theta", 1e6}, {"rope_type", "default"}}},
                        {"rope_scaling", nullptr}},
                       "c");
  CHECK(plain.type == "default");
  CHECK(plain.scaling.is_null());
}

TEST_CASE("wrong rope settings are data errors", "[modelfile]") {
  for (const Json& config :
       {Json{{"rope_theta", "x"}}, Json{{"rope_theta", 0}}, Json{{"rope_scaling", 3}},
        Json{{"rope_parameters", Json::array()}}, Json{{"rope_scaling", {{"rope_type", 5}}}}})
    CHECK(test::contains(test::message_of<DataError>([&] { read_rope_config(config, "c.json"); }),
                         "c.json: "));
}

}  // namespace
}  // namespace pgtrain
