// A libFuzzer target for chat templates and prompt templates.
//
// Input: the source of a template. It is rendered with a fixed conversation; then a prompt template
// of the same source is rendered with a record. Whatever the source is, the result is a text of
// valid UTF-8 or an Error, the same twice, within the limits of jinja_budget.h: libFuzzer's own
// -timeout, -malloc_limit_mb and -rss_limit_mb see to these.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.h"
#include "text/chat_template.h"
#include "text/jinja_evaluator.h"
#include "text/prompt_template.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::ordered_json;

void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken law: %s\n", what);
  std::abort();
}

const ordered_json& variables() {
  static const ordered_json json = ordered_json::parse(R"({
    "messages": [{"role": "system", "content": "S "}, {"role": "user", "content": "Hi, \u4f60\n"},
                 {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f",
                  "arguments": {"x": [1, 2.5, null, true]}}}]}],
    "s": "Hello, W\u00f6rld", "e": "", "n": 7, "z": 0, "f": 2.5, "t": true, "no": null,
    "l": [3, 1, 2], "ls": ["b", "a", "", "C"], "d": {"k": "v", "a": 1, "x": {"y": [1, {"z": 2}]}}})");
  return json;
}

// The text, or the message of the error with a mark in front.
std::string outcome(std::string_view source) {
  try {
    ChatTemplate::Options options;
    options.bos_token = "<s>";
    options.now = 0;
    return ChatTemplate(source, options).render_json(variables()["messages"], true, variables());
  } catch (const Error& error) {
    return std::string("error: ") + error.what();
  }
}

void check(std::string_view source) {
  const std::string text = outcome(source);
  require(text.size() <= jinja::kMaxOutputBytes + 1, "size of the text");
  require(find_invalid_utf8(source) != std::string_view::npos ||
              find_invalid_utf8(text) == std::string_view::npos,
          "the text is UTF-8");
  if (source.size() < 512) require(outcome(source) == text, "the same twice");
  try {
    PromptTemplate(source).render(nlohmann::json(variables()), "fuzz:1");
  } catch (const Error&) {  // most sources are wrong
  }
}

}  // namespace
}  // namespace pgtrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pgtrain::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
