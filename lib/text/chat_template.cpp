#include "text/chat_template.h"

#include <utility>

#include "core/error.h"
#include "text/jinja_evaluator.h"
#include "text/jinja_parser.h"

namespace pgtrain {
namespace {

using nlohmann::ordered_json;

struct BuiltIn {
  const char* name;
  const char* source;
};

constexpr BuiltIn kBuiltIns[] = {
    {"chatml",
     R"({%- for message in messages -%}
{{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})"},
    // One system message at most, then user and assistant in turn; bos and eos around each turn.
    {"llama2",
     R"({%- set system = messages[0].content if messages and messages[0].role == 'system' else none -%}
{%- for message in messages[(0 if system is none else 1):] -%}
{%- set wanted = 'user' if loop.index0 is even else 'assistant' -%}
{%- if message.role != wanted -%}
{{ raise_exception('after the system message the roles must be user and assistant in turn') }}
{%- elif wanted == 'user' -%}
{%- set head = '<<SYS>>\n' ~ system ~ '\n<</SYS>>\n\n' if loop.first and system is not none else '' -%}
{{ bos_token ~ '[INST] ' ~ head ~ message.content.strip() ~ ' [/INST]' }}
{%- else -%}
{{ ' ' ~ message.content.strip() ~ ' ' ~ eos_token }}
{%- endif -%}
{%- endfor -%})"},
    {"llama3",
     R"({{- bos_token }}
{%- for message in messages -%}
{{ '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ message.content.strip() ~ '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %})"},
    {"plain",
     R"({%- for message in messages -%}
{{ message.role ~ ': ' ~ message.content ~ '\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ 'assistant:' }}{% endif %})"},
    {"zephyr",
     R"({%- for message in messages -%}
{{ '<|' ~ message.role ~ '|>\n' ~ message.content ~ eos_token ~ '\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %})"},
};

using Variables = std::vector<std::pair<std::string, jinja::Value>>;

void set(Variables& variables, const std::string& name, jinja::Value value) {
  for (auto& [known, old] : variables)
    if (known == name) {
      old = std::move(value);
      return;
    }
  variables.emplace_back(name, std::move(value));
}

}  // namespace

struct ChatTemplate::Program {
  Options options;
  jinja::Program tree;
  std::time_t now = 0;
};

ChatTemplate::ChatTemplate(std::string_view source, Options options) {
  auto program = std::make_shared<Program>();
  program->options = std::move(options);
  program->now = program->options.now ? *program->options.now : std::time(nullptr);
  program->tree = jinja::parse_template(source, program->options.name);
  program_ = std::move(program);
}

ChatTemplate ChatTemplate::built_in(const std::string& name, Options options) {
  std::string list;
  for (const BuiltIn& one : kBuiltIns) {
    if (name == one.name) {
      options.name = fmt::format("chat template {}", name);
      return ChatTemplate(one.source, std::move(options));
    }
    list += (list.empty() ? "" : ", ") + std::string(one.name);
  }
  throw ConfigError(fmt::format("no chat template \"{}\"; allowed: {}", name, list));
}

std::vector<std::string> ChatTemplate::built_in_names() {
  std::vector<std::string> names;
  for (const BuiltIn& one : kBuiltIns) names.emplace_back(one.name);
  return names;
}

std::string ChatTemplate::render(const std::vector<ChatMessage>& messages,
                                 bool add_generation_prompt, const ordered_json& variables) const {
  ordered_json list = ordered_json::array();
  for (const ChatMessage& message : messages)
    list.push_back({{"role", message.role}, {"content", message.content}});
  return render_json(list, add_generation_prompt, variables);
}

std::string ChatTemplate::render_json(const ordered_json& messages, bool add_generation_prompt,
                                      const ordered_json& variables) const {
  PG_CHECK(messages.is_array(), "messages are of type {}", messages.type_name());
  PG_CHECK(variables.is_object(), "variables are of type {}", variables.type_name());
  const Options& options = program_->options;
  try {
    Variables all = {{"messages", jinja::Value::from_json(messages)},
                     {"tools", {}},
                     {"documents", {}},
                     {"add_generation_prompt", add_generation_prompt},
                     {"bos_token", options.bos_token},
                     {"eos_token", options.eos_token}};
    for (const auto& variable : variables.items())
      set(all, variable.key(), jinja::Value::from_json(variable.value()));
    return jinja::Evaluator(options.name, program_->now).run(program_->tree, std::move(all));
  } catch (const jinja::Fault& fault) {
    throw ConfigError(fmt::format("{}: {}", options.name, fault.what()));
  }
}

}  // namespace pgtrain
