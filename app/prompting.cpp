#include "prompting.h"

#include <unistd.h>

#include <limits>

#include "commands.h"
#include "core/error.h"
#include "open_policy.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"
#include "train/experiment.h"

namespace pgtrain {
namespace {

// The chat template that the run was trained with, where it had one.
DataOptions recorded_data(const std::filesystem::path& checkpoint) {
  const auto file = checkpoint / "experiment.yaml";
  return std::filesystem::exists(file) ? load_experiment({file}, {}).data : DataOptions();
}

void set_chat(Policy& policy, const GenerationFlags& flags,
              const std::filesystem::path& checkpoint) {
  DataOptions data = recorded_data(checkpoint);
  const bool wants_chat =
      flags.chat || (flags.prefer_chat && !policy.text().files.chat_template.empty());
  if (wants_chat && data.chat_template.empty()) data.chat_template = "model";
  if (!flags.system.empty()) {
    if (data.chat_template.empty())
      throw ConfigError(flags.prefer_chat
                            ? "--system has no effect: neither run nor model has a chat template"
                            : "--system has no effect without a chat template: add --chat");
    data.system_prompt = flags.system;
  }
  policy.set_recorded_chat(data.chat_template, data.system_prompt);
}

// But for line feeds and tabs.
std::string without_controls(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); i += code_point_at(text, i).length) {
    const char32_t c = code_point_at(text, i).value;
    const bool is_control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    append_utf8(result, is_control ? kReplacementCharacter : c);
  }
  return result;
}

}  // namespace

void check_utf8(const std::string& prompt, const std::string& place) {
  const size_t invalid = find_invalid_utf8(prompt);
  if (invalid != std::string_view::npos)
    throw DataError(fmt::format("{}: byte {} is not valid UTF-8", place, invalid));
}

std::unique_ptr<Policy> open_prompted(const GenerationFlags& flags) {
  const auto checkpoint = find_checkpoint(flags.source);
  auto policy = open_policy(checkpoint, flags.source.trained);
  set_chat(*policy, flags, checkpoint);
  return policy;
}

GenerationOptions generation_options(const GenerationFlags& flags, const Policy& policy) {
  GenerationOptions options;
  options.max_new_tokens = flags.max_new_tokens;
  options.end_ids = policy.tokenizer().end_ids();
  options.sampler = flags.sampler;
  if (flags.greedy) options.sampler.temperature = 0;
  return options;
}

int64_t room_for_tokens(const Policy& policy, size_t prompt_tokens) {
  const int64_t positions = policy.model().max_positions();
  if (positions == 0) return std::numeric_limits<int64_t>::max();
  return positions - static_cast<int64_t>(prompt_tokens) + 1;
}

Typewriter::Typewriter(const Tokenizer& tokenizer)
    : decoder_(tokenizer.stream_decoder()), is_terminal_(isatty(STDOUT_FILENO) == 1) {}

void Typewriter::push(int64_t id) { show(decoder_->push(id)); }

void Typewriter::finish() { show(decoder_->finish() + "\n"); }

void Typewriter::show(const std::string& text) {
  print(is_terminal_ ? without_controls(text) : text);
}

}  // namespace pgtrain
