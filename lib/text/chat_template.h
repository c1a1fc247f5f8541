// Conversations to prompts by a chat template: the Jinja program that comes with a model
// (chat_template of tokenizer_config.json, chat_template.jinja), run as transformers runs it
// (trim_blocks and lstrip_blocks on, loop controls, generation blocks; messages, tools, documents,
// add_generation_prompt and the special tokens as variables). The language: jinja_parser.h,
// jinja_filters.h, jinja_tests.h, jinja_methods.h; what it lacks is refused, never passed over.
//
// A template is untrusted: it reads nothing but its variables, changes nothing, and one rendering
// is bounded in steps, memory, depth (jinja_budget.h, jinja_evaluator.h) and source
// (jinja_parser.h).
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgtrain {

struct ChatMessage {
  std::string role;  // not empty: system, user, assistant...
  std::string content;

  bool operator==(const ChatMessage& other) const {
    return role == other.role && content == other.content;
  }
};

// Const members may be called from several threads.
class ChatTemplate {
 public:
  struct Options {
    std::string bos_token;
    std::string eos_token;
    std::string name = "chat template";  // for messages: the file
    // The time that strftime_now tells; a fixed one makes prompts the same on every day. nullopt =
    // the time of construction.
    std::optional<std::time_t> now;
  };

  // Throws ConfigError "name:line:column: message" for a template that is wrong or beyond the
  // supported language.
  explicit ChatTemplate(std::string_view source) : ChatTemplate(source, Options()) {}
  ChatTemplate(std::string_view source, Options options);
  // A built-in template: chatml, llama2, llama3, zephyr or plain ("user: text" lines). Throws
  // ConfigError for another name.
  static ChatTemplate built_in(const std::string& name, Options options);
  static std::vector<std::string> built_in_names();

  // The text of the conversation; with a generation prompt it ends where the assistant begins to
  // write. `variables`, an object, are further variables of the template and replace those that it
  // has otherwise. Throws DataError when the template refuses the conversation (raise_exception)
  // or a text is not UTF-8, ConfigError for a fault of the template and an exceeded limit.
  std::string render(
      const std::vector<ChatMessage>& messages, bool add_generation_prompt,
      const nlohmann::ordered_json& variables = nlohmann::ordered_json::object()) const;
  // The same for messages with other fields (tool calls): an array of objects.
  std::string render_json(
      const nlohmann::ordered_json& messages, bool add_generation_prompt,
      const nlohmann::ordered_json& variables = nlohmann::ordered_json::object()) const;

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

}  // namespace pgtrain
