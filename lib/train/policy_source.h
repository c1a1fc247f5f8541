// What a policy is made of before there is a network: opened from a file or folder, or put together
// from an experiment.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "modelfile/lora_adapter.h"
#include "modelfile/pretrained.h"
#include "modelfile/weight_source.h"
#include "nn/model_options.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace pgtrain {

// How a policy reads and writes texts.
struct PolicyText {
  PolicyText() = default;
  explicit PolicyText(std::shared_ptr<const Tokenizer> t) : tokenizer(std::move(t)) {}

  std::shared_ptr<const Tokenizer> tokenizer;
  // What belongs to the tokenizer and is handed on to whoever opens the policy next:
  // tokenizer_config, generation_config and chat_template. The other members stay empty.
  ModelFiles files;

  std::shared_ptr<const ChatTemplate> chat;  // null: prompts are plain texts
  bool wraps_prompts =
      false;  // a plain prompt is a user's message; else only conversations are chat
  std::string system_prompt;  // first message of conversations that have no system message; or ""

  // What the policy reads before the first token of a completion; never empty. Throws ConfigError
  // for a conversation without a template, DataError when the template refuses it.
  std::vector<int64_t> encode_prompt(const Record& record) const;

  // name: "model" = files.chat_template, a built-in template, or the name of a file; "" = the
  // model's own for conversations, where it has one, and plain prompts as they are. Throws
  // ConfigError when there is no such template or it is wrong.
  void set_chat(const std::string& name, const std::string& system);
  // The same for a checkpoint whose experiment says `name`: a template that was a file then is the
  // checkpoint's own copy.
  void set_recorded_chat(const std::string& name, const std::string& system);
};

// NOLINTNEXTLINE(bugprone-exception-escape): clang-tidy 14 takes the move of a json to throw.
struct PolicySource {
  ModelOptions model;  // of a network; never kind "pretrained"
  PolicyText text;
  std::shared_ptr<WeightSource> weights;  // null: the network starts from random weights
  std::vector<LoraAdapter> merged;        // to be added to the weights, in this order
  std::optional<LoraAdapter> adapter;     // what model.lora's adapters start from
  std::string base;  // the model that the frozen weights are from; for runs with adapters
};

// The last parts of the names of the layers that can have adapters, as PEFT's target_modules:
// "q_proj", ...; none for recurrent networks.
std::vector<std::string> adaptable_modules(const ModelOptions& options);

enum class AdapterUse { kKeep, kMerge };

// path: a checkpoint of any kind, a Hugging Face folder, a GGUF file or a PEFT adapter, whose base
// is opened, too (a relative name is looked for in the working directory, then beside the adapter).
// An adapter is kept apart, or merged into the weights. No weight is read yet, but tensor counts
// and names agree with the config on return, so that a config that lies costs no memory. Throws
// DataError.
PolicySource open_policy_source(const std::filesystem::path& path, AdapterUse use);

// Fills the tensors by name from the source. Throws DataError that names what is missing, of
// another shape, or not part of the network.
void read_weights(const WeightSource& source, const std::string& place,
                  const std::vector<NamedTensor>& targets);

// weight <- weight + scale B A for every pair of the adapter; `targets` are the network's weights
// by name. Throws DataError that names the module when there is no such weight or a shape differs.
void merge_adapter(const LoraAdapter& adapter, const std::string& place,
                   const std::vector<NamedTensor>& targets);

// Copies the pairs into the network's own adapters, which must have exactly the same modules.
// Throws DataError that names the module.
void copy_adapter(const LoraAdapter& adapter, const std::string& place,
                  const std::vector<NamedTensor>& targets);

}  // namespace pgtrain
