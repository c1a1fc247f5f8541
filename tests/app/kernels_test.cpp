// The kernels' variants, asked for by PGTRAIN_KERNELS, in whole runs.
#include <cmath>

#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

ProcessOptions asking_for(const std::string& variant, const Experiment& experiment) {
  ProcessOptions options = experiment.options();
  options.environment = {{"PGTRAIN_KERNELS", variant}};
  return options;
}

std::string best_variant() {
  return json::parse(run_pgtrain({"doctor", "--json"}).out).at("row_kernels");
}

}  // namespace

TEST_CASE("every variant of the kernels that the processor has trains; the others are refused") {
  const std::vector<std::string> variants = {"portable", "avx2", "avx512"};
  const std::string best = best_variant();
  const auto best_index = std::find(variants.begin(), variants.end(), best) - variants.begin();
  std::vector<double> first_losses;
  for (const char* kind : {"gru", "llama"}) {
    first_losses.clear();
    for (int64_t i = 0; i < static_cast<int64_t>(variants.size()); ++i) {
      const Experiment experiment;
      if (kind == std::string("llama")) use_llama(experiment);
      const ProcessResult result = run_pgtrain(Experiment::train_arguments({"train.steps=3"}),
                                               asking_for(variants[i], experiment));
      INFO(variants[i] << "\n" << result.err);
      if (i > best_index) {
        CHECK(result.code == 2);
        CHECK(contains(result.err, "PGTRAIN_KERNELS=" + variants[i]));
        CHECK(contains(result.err, "the best that it has is " + best));
        CHECK_FALSE(std::filesystem::exists(experiment / "run"));
        continue;
      }
      REQUIRE(result.code == 0);
      const auto rows = json_lines(experiment.metrics());
      first_losses.push_back(rows.front().at("loss"));  // of the warm-up: nothing is drawn
      for (const json& row : rows)
        if (row.at("phase") == "train")
          CHECK(row.at("sampling/sampling_logp_difference/max").get<double>() < 1e-4);
    }
    for (const double loss : first_losses) CHECK(loss == Approx(first_losses[0]).epsilon(1e-5));
  }
}

TEST_CASE("doctor names the variant that was asked for and refuses unknown ones") {
  ProcessOptions options;
  options.environment = {{"PGTRAIN_KERNELS", "portable"}};
  const json facts = json::parse(run_pgtrain({"doctor", "--json"}, options).out);
  CHECK(facts.at("row_kernels") == "portable");
  options.environment = {{"PGTRAIN_KERNELS", "fast"}};
  const ProcessResult unknown = run_pgtrain({"doctor"}, options);
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "known are portable, avx2 and avx512"));
  options.environment = {{"PGTRAIN_KERNELS", ""}};
  CHECK(json::parse(run_pgtrain({"doctor", "--json"}, options).out).at("row_kernels") ==
        best_variant());
}
