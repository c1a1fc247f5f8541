#include "config/load.h"
#include "core/error.h"
#include "support/support.h"
#include "text/tokenizer.h"

namespace pgtrain {
namespace {

void load_options(TokenizerOptions& options, const std::vector<std::string>& overrides) {
  Section root;
  describe(root, options);
  load(root, {}, overrides);
}

TEST_CASE("tokenizer options: defaults, values and limits", "[text]") {
  TokenizerOptions options;
  load_options(options, {});
  CHECK(options.kind == "auto");
  CHECK(options.vocab_size == 0);
  load_options(options, {"kind=word", "vocab_size=2000"});
  CHECK(options.kind == "word");
  CHECK(options.vocab_size == 2000);
  const auto error_of = [&](const std::string& text) {
    return test::message_of<ConfigError>([&] { load_options(options, {text}); });
  };
  CHECK(test::contains(error_of("kind=syllable"), "byte"));
  CHECK(test::contains(error_of("vocab_size=-1"), "at least 0"));
}

}  // namespace
}  // namespace pgtrain
