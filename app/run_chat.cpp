#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/worker_pool.h"
#include "prepare_math.h"
#include "prompting.h"
#include "tensor/blas.h"
#include "train/sampling.h"

namespace pgtrain {
namespace {

// A conversation with a policy. With a chat template every turn is in the prompt, otherwise each
// message is a prompt of its own.
class Conversation {
 public:
  Conversation(const GenerationFlags& flags, std::unique_ptr<Policy> policy)
      : policy_(std::move(policy)),
        options_(generation_options(flags, *policy_)),
        rng_(flags.seed, Purpose::kSample),
        pool_(usable_threads(flags.threads), use_one_thread),
        remembers_(policy_->text().wraps_prompts) {}

  bool remembers() const { return remembers_; }
  const Policy& policy() const { return *policy_; }
  void reset() { turns_.clear(); }

  // Prints the answer as it grows. A message that throws is forgotten.
  void answer(const std::string& message) {
    turns_.push_back({"user", message});
    std::vector<int64_t> ids;
    try {
      ids = fitting_prompt();
    } catch (const Error&) {
      turns_.pop_back();
      throw;
    }
    GenerationOptions options = options_;
    options.max_new_tokens =
        std::min(options.max_new_tokens, room_for_tokens(*policy_, ids.size()));
    Typewriter typewriter(policy_->tokenizer());
    options.on_token = [&](int64_t, int64_t id) { typewriter.push(id); };
    const TeamScope team(pool_);
    const auto completions =
        generate(policy_->model(), nullptr, {ids}, 1, options, {&rng_, answers_++, 0});
    typewriter.finish();
    if (remembers_)
      turns_.push_back({"assistant", completion_text(policy_->tokenizer(), completions[0])});
    else
      turns_.clear();
  }

 private:
  // The prompt of all turns; the oldest question and its answer leave while it fills more than the
  // model's positions. Throws DataError when the last message alone does.
  std::vector<int64_t> fitting_prompt() {
    while (true) {
      Record record;
      if (remembers_)
        record.messages = turns_;
      else
        record.prompt = turns_.back().content;
      std::vector<int64_t> ids = policy_->text().encode_prompt(record);
      if (room_for_tokens(*policy_, ids.size()) >= 1) return ids;
      if (turns_.size() < 3)
        throw DataError(fmt::format("this message has {} tokens, the model reads {} at most",
                                    ids.size(), policy_->model().max_positions()));
      turns_.erase(turns_.begin(), turns_.begin() + 2);
    }
  }

  std::unique_ptr<Policy> policy_;
  GenerationOptions options_;
  Rng rng_;
  WorkerPool pool_;
  bool remembers_;
  std::vector<ChatMessage> turns_;
  uint64_t answers_ = 0;
};

void show_prompt(bool is_terminal) {
  if (is_terminal) print("> ");
}

}  // namespace

int run_chat(const GenerationFlags& flags) {
  prepare_math();
  Conversation conversation(flags, open_prompted(flags));
  const bool is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  if (is_terminal)
    print(conversation.remembers()
              ? "A conversation by the chat template; /reset forgets it, /quit ends it.\n"
              : "No chat template: each line is a prompt of its own; /quit ends.\n");
  show_prompt(is_terminal);
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line); show_prompt(is_terminal)) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line == "/quit") break;
    if (line == "/reset") {
      conversation.reset();
    } else if (is_terminal && !line.empty() && line[0] == '/') {
      std::cerr << "error: " << line.substr(0, line.find(' '))
                << " is no command; there are /reset and /quit\n";
    } else if (!line.empty()) {
      try {
        check_utf8(line, fmt::format("line {}", number));
        conversation.answer(line);
      } catch (const DataError& e) {
        if (!is_terminal) throw;
        std::cerr << "error: " << e.what() << "\n";
      }
    }
  }
  if (is_terminal) print("\n");
  return kExitDone;
}

}  // namespace pgtrain
