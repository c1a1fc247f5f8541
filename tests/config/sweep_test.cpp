#include "config/sweep.h"

#include <set>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain::test {
namespace {

using Texts = std::vector<std::string>;

std::vector<Texts> overrides_of(const SweepOptions& options) {
  std::vector<Texts> result;
  for (const SweepRun& run : plan_sweep(options)) result.push_back(run.overrides);
  return result;
}

std::string sweep_error(const SweepOptions& options) {
  return message_of<ConfigError>([&] { plan_sweep(options); });
}

SweepOptions random_sweep(int64_t random) {
  SweepOptions options;
  options.random = random;
  options.sample = {"optimizer.learning_rate=log:1e-5..1e-2", "rollout.temperature=uniform:0.5..2"};
  return options;
}

TEST_CASE("sweep: grids are combined, seeds change fastest", "[config]") {
  SweepOptions options;
  options.fixed = {"train.steps=9"};
  options.grid = {"b.x=1,2", "a.y=[3,4],5"};
  options.seeds = "7..8";
  CHECK(overrides_of(options) ==
        std::vector<Texts>{{"a.y=[3,4]", "b.x=1", "run.seed=7", "train.steps=9"},
                           {"a.y=[3,4]", "b.x=1", "run.seed=8", "train.steps=9"},
                           {"a.y=5", "b.x=1", "run.seed=7", "train.steps=9"},
                           {"a.y=5", "b.x=1", "run.seed=8", "train.steps=9"},
                           {"a.y=[3,4]", "b.x=2", "run.seed=7", "train.steps=9"},
                           {"a.y=[3,4]", "b.x=2", "run.seed=8", "train.steps=9"},
                           {"a.y=5", "b.x=2", "run.seed=7", "train.steps=9"},
                           {"a.y=5", "b.x=2", "run.seed=8", "train.steps=9"}});
  CHECK(overrides_of({}) == std::vector<Texts>{{}});
}

TEST_CASE("sweep: an id says what the run is, whatever the order and the spelling", "[config]") {
  const std::string id =
      run_id({"run.seed=1", "optimizer.learning_rate=1e-3", "a.preset=rloo"}, {"b.c=5", "b.d=6"});
  CHECK(id == run_id({"optimizer.learning_rate=0.001", "a.preset=rloo", "run.seed=1"},
                     {"b.d=6.0", "b.c=5"}));
  CHECK(id.substr(0, id.size() - 10) == "preset-rloo-learning_rate-0.001-seed-1-");
  // The digits are those of all overrides.
  CHECK(id.substr(id.size() - 10) == run_id({}, {"b.d=6", "b.c=5", "run.seed=1", "a.preset=rloo",
                                                 "optimizer.learning_rate=0.001"}));
  CHECK(id != run_id({"run.seed=1", "optimizer.learning_rate=1e-3", "a.preset=rloo"}, {"b.c=5"}));
  // Keys with the same last word.
  CHECK(run_id({"a.x=1", "b.x=2"}, {}) != run_id({"a.x=2", "b.x=1"}, {}));
}

TEST_CASE("sweep: ids are names of folders for any value", "[config]") {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
  for (const char* value : {"../../etc", "a b/c\\d", "[1, 'x']", "词语", "-rf", "", "."}) {
    const std::string id = run_id({"data.train=" + std::string(value)}, {});
    INFO(id);
    CHECK(id.find_first_not_of(allowed) == std::string::npos);
    CHECK((id[0] != '-' && id[0] != '.'));
  }
  CHECK(run_id({"a.b=" + std::string(5000, 'x')}, {}).size() == 10);
  CHECK(run_id({}, {}).size() == 10);
}

TEST_CASE("sweep: draw k depends neither on their number nor on other keys or their order",
          "[config]") {
  const auto few = overrides_of(random_sweep(5));
  const auto many = overrides_of(random_sweep(50));
  REQUIRE((few.size() == 5 && many.size() == 50));
  for (size_t k = 0; k < few.size(); ++k) CHECK(few[k] == many[k]);
  SweepOptions turned = random_sweep(5);
  std::swap(turned.sample[0], turned.sample[1]);
  CHECK(overrides_of(turned) == few);
  turned.sample.pop_back();
  const auto one_key = overrides_of(turned);
  for (size_t k = 0; k < 5; ++k) CHECK(one_key[k][0] == few[k][1]);
  SweepOptions other = random_sweep(5);
  other.sample_seed = 2;
  CHECK(overrides_of(other) != few);
}

TEST_CASE("sweep: keys are drawn independently and fill their ranges", "[config]") {
  const auto runs = overrides_of(random_sweep(4000));
  double mean = 0;
  double below = 0;
  double both = 0;
  for (const Texts& run : runs) {
    const double log10 = std::log10(std::stod(run[0].substr(run[0].find('=') + 1)));
    const double temperature = std::stod(run[1].substr(run[1].find('=') + 1));
    REQUIRE((log10 >= -5 && log10 <= -2 && temperature >= 0.5 && temperature <= 2));
    mean += log10 / 4000;
    below += log10 < -3.5 ? 1 : 0;
    both += log10 < -3.5 && temperature < 1.25 ? 1 : 0;
  }
  CHECK(std::abs(mean + 3.5) < 0.06);           // 4 standard errors of 3 / sqrt(12 * 4000)
  CHECK(std::abs(below / 4000 - 0.5) < 0.032);  // 4 of 1 / sqrt(4 * 4000)
  CHECK(std::abs(both / 4000 - 0.25) < 0.028);
}

TEST_CASE("sweep: draws that repeat make no second run; they are combined with grid and seeds",
          "[config]") {
  SweepOptions options;
  options.random = 40;
  options.sample = {"a.b=choice:x,y"};
  options.grid = {"c.d=1,2,3"};
  options.seeds = "1,2";
  const auto runs = plan_sweep(options);
  std::set<std::string> ids;
  for (const SweepRun& run : runs) ids.insert(run.id);
  CHECK((runs.size() == 12 && ids.size() == 12));
}

TEST_CASE("sweep: what is wrong is said with the flag", "[config]") {
  const auto grid = [](const Texts& texts) {
    SweepOptions options;
    options.grid = texts;
    return sweep_error(options);
  };
  CHECK(contains(grid({"a.b"}), "--grid a.b: the form is key="));
  CHECK(contains(grid({"=1"}), "the form is key="));
  CHECK(contains(grid({"a b=1"}), "is not a key"));
  CHECK(contains(grid({"a.b=1,2,1.0"}), "the value '1.0' is given twice"));
  CHECK(contains(grid({"a.b=1", "a.b=2"}), "'a.b' is given twice"));
  CHECK(contains(grid({"run.name=x,y"}), "for the sweep to choose"));
  CHECK(contains(grid({"run.threads=1,2"}), "for the sweep to choose"));
  CHECK(contains(grid({"a.b=1..1000", "c.d=1..1000"}), "has 1000000 runs, at most 100000"));
  SweepOptions twice;
  twice.fixed = {"a.b=1"};
  twice.grid = {"a.b=1,2"};
  CHECK(contains(sweep_error(twice), "given twice"));
  SweepOptions seeds;
  seeds.grid = {"run.seed=1,2"};
  seeds.seeds = "1..2";
  CHECK(contains(sweep_error(seeds), "--seeds"));
  SweepOptions no_sample;
  no_sample.random = 3;
  CHECK(contains(sweep_error(no_sample), "go together"));
  SweepOptions no_number = random_sweep(0);
  CHECK(contains(sweep_error(no_number), "go together"));
  CHECK(contains(sweep_error(random_sweep(-1)), "--random is -1"));
  SweepOptions bad = random_sweep(2);
  bad.sample[0] = "a.b=log:0..1";
  CHECK(contains(sweep_error(bad), "--sample a.b=log:0..1"));
}

}  // namespace
}  // namespace pgtrain::test
