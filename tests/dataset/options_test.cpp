#include "config/load.h"
#include "core/error.h"
#include "dataset/dataset.h"
#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("data options: train is required, the rest has defaults", "[dataset]") {
  DataOptions options;
  Section root;
  describe(root, options);
  CHECK(test::contains(test::message_of<ConfigError>([&] { load(root, {}); }), "train"));
  load(root, {}, {"train=a.jsonl", "prompt_field=\"\""});
  CHECK(options.train == "a.jsonl");
  CHECK(options.eval.empty());
  CHECK(options.prompt_field.empty());
  CHECK(options.target_field == "target");
}

}  // namespace
}  // namespace pgtrain
