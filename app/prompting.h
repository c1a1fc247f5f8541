// What `sample` and `chat` share: a policy that is asked for text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actions.h"
#include "rollout/generator.h"
#include "text/stream_decoder.h"
#include "train/policy.h"

namespace pgtrain {

// Throws DataError "PLACE: byte N is not valid UTF-8".
void check_utf8(const std::string& prompt, const std::string& place);

// Opens the policy with the chat template and system message that the run was trained with, or
// those of the flags. Throws DataError or ConfigError.
std::unique_ptr<Policy> open_prompted(const GenerationFlags& flags);

GenerationOptions generation_options(const GenerationFlags& flags, const Policy& policy);

// Tokens that the model's positions leave for a completion; below 1 when the prompt itself is too
// long.
int64_t room_for_tokens(const Policy& policy, size_t prompt_tokens);

// Prints a completion as it grows, whole characters at a time. On a terminal control characters,
// which it would obey, come as U+FFFD.
class Typewriter {
 public:
  explicit Typewriter(const Tokenizer& tokenizer);
  void push(int64_t id);
  void finish();

 private:
  void show(const std::string& text);
  std::unique_ptr<StreamDecoder> decoder_;
  bool is_terminal_;
};

}  // namespace pgtrain
