#include "train/event_log.h"

#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("event tags: the names that users of Hugging Face's trainers know", "[event_log]") {
  CHECK(event_tag("train", "reward") == "train/reward");
  CHECK(event_tag("train", "completions/mean_length") == "train/completions/mean_length");
  CHECK(event_tag("eval", "eval_reward") == "eval/reward");
  CHECK(event_tag("eval", "eval_rewards/bleu/mean") == "eval/rewards/bleu/mean");
  CHECK(event_tag("train", "eval_x") == "train/eval_x");
  CHECK(event_tag("warmup", "loss") == "warmup/loss");
}

TEST_CASE("cells of a Markdown table cannot hold markup", "[event_log]") {
  CHECK(markdown_cell("two words") == "two words");
  CHECK(markdown_cell("<b>") == "&#60;b&#62;");
  CHECK(markdown_cell("a|b") == "a&#124;b");
  // The line end as \x0a, its backslash as a reference.
  CHECK(markdown_cell("a\nb") == "a&#92;x0ab");
  CHECK(markdown_cell("\xe2\x80\xae") == "&#92;u&#123;202e&#125;");  // right-to-left override
  CHECK(markdown_cell("\xff") == "&#92;xff");
  CHECK(markdown_cell("\xe6\x98\xa5") == "\xe6\x98\xa5");
  const std::string hostile = markdown_cell("</script>[x](javascript:1)`*_#&amp;\"'!\x1b[2J");
  for (const char c : std::string("<>[]()`*_\"'!|\x1b"))
    CHECK(hostile.find(c) == std::string::npos);
  const std::string cut = markdown_cell(std::string(1'000'000, 'x'));
  CHECK(cut == std::string(1000, 'x') + "...");
}

}  // namespace
}  // namespace pgtrain
