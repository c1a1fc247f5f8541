#include "text/chat_template.h"

#include <functional>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using nlohmann::ordered_json;
using test::contains;
using test::message_of;
using Messages = std::vector<ChatMessage>;

const Messages kTalk = {{"system", "S"}, {"user", " hi "}, {"assistant", "yo"}, {"user", "\u4f60"}};

ChatTemplate::Options options() {
  ChatTemplate::Options o;
  o.bos_token = "<s>";
  o.eos_token = "</s>";
  return o;
}

std::string built_in(const std::string& name, const Messages& messages, bool prompt) {
  return ChatTemplate::built_in(name, options()).render(messages, prompt);
}

const ordered_json& golden() {
  static const ordered_json data =
      ordered_json::parse(test::read_file("tests/golden/chat_templates.json"));
  return data;
}

// Expects the output, or any error when there is none.
void check_golden(const ordered_json& expected, const std::function<std::string()>& render) {
  if (expected.contains("output"))
    CHECK(render() == expected["output"].get<std::string>());
  else
    CHECK_THROWS_AS(render(), Error);
}

TEST_CASE("chat template: built-in templates", "[text]") {
  CHECK(built_in("chatml", kTalk, true) ==
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n hi <|im_end|>\n<|im_start|>assistant\n"
        "yo<|im_end|>\n<|im_start|>user\n\u4f60<|im_end|>\n<|im_start|>assistant\n");
  CHECK(built_in("llama2", kTalk, true) ==
        "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nhi [/INST] yo </s><s>[INST] \u4f60 [/INST]");
  CHECK(built_in("llama3", {{"user", " hi\n"}}, true) ==
        "<s><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|"
        "end_header_id|>\n\n");
  CHECK(built_in("zephyr", kTalk, true) ==
        "<|system|>\nS</s>\n<|user|>\n hi </s>\n<|assistant|>\nyo</s>\n<|user|>\n\u4f60</s>\n<|"
        "assistant|>\n");
  CHECK(built_in("plain", {{"user", "a"}, {"assistant", ""}}, true) ==
        "user: a\nassistant: \nassistant:");
  CHECK(contains(message_of<ConfigError>([] { built_in("chatlm", {}, false); }),
                 "allowed: chatml, llama2, llama3, plain, zephyr"));
}

TEST_CASE("chat template: the generation prompt only ends what is there without it", "[text]") {
  for (const std::string& name : ChatTemplate::built_in_names()) {
    INFO(name);
    const std::string without = built_in(name, kTalk, false);
    CHECK(built_in(name, kTalk, true).compare(0, without.size(), without) == 0);
    CHECK(contains(without, "\u4f60"));
    CHECK_NOTHROW(built_in(name, {}, false));
  }
}

TEST_CASE("chat template: a template may refuse a conversation", "[text]") {
  CHECK(contains(message_of<DataError>([] {
                   built_in("llama2", {{"assistant", "a"}}, false);
                 }),
                 "the template refuses the conversation: after the system message"));
}

TEST_CASE("chat template: text of messages is never read as a template", "[text]") {
  CHECK(contains(built_in("chatml", {{"user", "{{ 1 }}{% x %}"}}, false), "{{ 1 }}{% x %}"));
}

TEST_CASE("chat template: further variables, their order in tojson, a fixed time", "[text]") {
  ChatTemplate::Options o = options();
  o.now = 0;
  const ChatTemplate t("{{ x | tojson }}{{ bos_token }}{{ strftime_now('%Y')|length }}", o);
  CHECK(t.render({}, false,
                 ordered_json::parse(R"({"x": {"b": 1, "a": [2.0]}, "bos_token": "B"})")) ==
        "{\"b\": 1, \"a\": [2.0]}B4");
}

TEST_CASE("chat template: values from outside are checked", "[text]") {
  const ChatTemplate t("{{ messages }}");
  CHECK(contains(message_of<DataError>([&] { t.render({{"user", "\xFF"}}, false); }), "UTF-8"));
  ordered_json deep = 1;
  for (int i = 0; i < 100; ++i) deep = ordered_json::array({deep});
  CHECK(contains(message_of<DataError>([&] { t.render_json(deep, false); }), "nests deeper"));
  CHECK_THROWS_AS(t.render_json(ordered_json::array({18446744073709551615U}), false), DataError);
  CHECK_THROWS_AS(t.render_json(ordered_json::object(), false), InternalError);
}

TEST_CASE("chat template golden: templates of the families on conversations", "[text]") {
  for (const ordered_json& one : golden()["cases"]) {
    const std::string name = one["template"];
    INFO(name << ", conversation " << one["conversation"] << ", tools " << one["has_tools"]);
    const ChatTemplate t(golden()["templates"][name]["source"].get<std::string>(), options());
    ordered_json variables = ordered_json::object();
    if (one["has_tools"]) variables["tools"] = golden()["tools"];
    check_golden(one, [&] {
      return t.render_json(golden()["conversations"][one["conversation"].get<size_t>()],
                           one["add_generation_prompt"], variables);
    });
  }
}

TEST_CASE("chat template golden: random programs", "[text]") {
  for (const ordered_json& program : golden()["programs"]) {
    const std::string source = program["source"];
    INFO(source);
    ordered_json variables = golden()["program_variables"];
    check_golden(program, [&] {
      return ChatTemplate(source).render_json(variables["messages"], false, variables);
    });
  }
}

}  // namespace
}  // namespace pgtrain
