// A policy with everything that its use needs: tokenizer, network, value head, parameters in one
// buffer.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "modelfile/tensor_file.h"
#include "nn/language_model.h"
#include "nn/parameters.h"
#include "nn/value_head.h"
#include "train/policy_source.h"

namespace pgtrain {

// What reads V(s): nothing, a linear head on the policy's states, or a network of its own.
enum class ValueNetwork { kNone, kShared, kSeparate };

// What workers share: whole shards of sequences, each worker with a gradient of its own, or the
// operators of one shard after the other, with one gradient and one reading of the weights for all.
enum class Parallelism { kSequences, kOperators };

// kOperators from kManyParameters on: there a gradient more costs more memory than the activations
// of a shard, and weights that do not fit the caches are read once instead of once a worker.
constexpr int64_t kManyParameters = int64_t{1} << 22;
Parallelism default_parallelism(const ModelOptions& options);

// A network with what its training needs beside the policy's own parameters.
struct Network {
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<LanguageModel> value_model;  // null unless V has a network of its own
  std::unique_ptr<ValueHead> value_head;       // null without V

  Network(const ModelOptions& options, ValueNetwork value);
  // The policy's trainable parameters, then value_network.* and value_head.*.
  std::vector<LanguageModel::Parameter> parameters();
  // V before each completion token of the batch, [N] like `hidden` of the policy, which gave it.
  at::Tensor values(const at::Tensor& hidden, const std::vector<const Sequence*>& batch) const;
};

class Policy {
 public:
  // frozen_digest() of the run that wrote a checkpoint with adapters; open compares.
  static constexpr const char* kBaseFile = "base.sha256";

  // Reads the source's weights where it has some; otherwise they are initialised from the seed. New
  // adapters always are. A value network of its own starts with the policy's weights. Throws
  // DataError when the weights do not fit the network.
  Policy(PolicySource source, ValueNetwork value, uint64_t seed);
  // A new model. options.vocab_size must be at least the tokenizer's.
  Policy(std::shared_ptr<const Tokenizer> tokenizer, const ModelOptions& options,
         ValueNetwork value, uint64_t seed);

  // Opens a checkpoint folder with V as it was there, or any other model that open_policy_source
  // knows; adapters stay apart. Throws DataError.
  static std::unique_ptr<Policy> open(const std::filesystem::path& path);

  // Writes into an existing folder what open reads: config.json and the tokenizer's files;
  // model.safetensors, or adapter_model.safetensors and adapter_config.json; value.safetensors with
  // V. Without V and adapters a transformer's folder is one of Hugging Face, with adapters one of
  // PEFT. Throws DiskError.
  void write(const std::filesystem::path& folder) const;
  // Fills all parameters from a folder that write made for the same network. Throws DataError.
  void read(const std::filesystem::path& folder);
  // The policy's trainable parameters alone, without V, in one file. Throws DiskError.
  void write_parameters(const std::filesystem::path& file) const;
  // Fills them from a file with exactly these names and shapes. Throws DataError.
  void read_parameters(const std::filesystem::path& file);
  // The file of a folder that holds the trainable parameters.
  std::string weights_file() const;

  // SHA-256 over names and values of the policy's weights, without V: of all of them, or of the
  // frozen ones ("" when there are none).
  std::string weights_digest() const;
  std::string frozen_digest() const;

  // What the adapters are now, as PEFT has it. Throws InternalError without adapters.
  LoraAdapter adapter() const;
  // What stands beside the weights in a folder for other tools: config, tokenizer, chat template.
  ModelFiles model_files() const;

  // The same text, network and weights, without V; frozen weights are shared.
  std::unique_ptr<Policy> copy() const;
  // weights <- keep * weights + (1 - keep) * those of the other, which has at least these
  // parameters.
  void mix(const Policy& other, double keep);
  // Gives a value network of its own the policy's present weights.
  void restart_value_network();

  const PolicyText& text() const { return text_; }
  // PolicyText::set_chat.
  void set_chat(const std::string& name, const std::string& system) {
    text_.set_chat(name, system);
  }
  void set_recorded_chat(const std::string& name, const std::string& system) {
    text_.set_recorded_chat(name, system);
  }
  const Tokenizer& tokenizer() const { return *text_.tokenizer; }
  LanguageModel& model() { return *network_.model; }
  const LanguageModel& model() const { return *network_.model; }
  // The head on the policy's states; null without V and when V has a network of its own.
  const ValueHead* value_head() const {
    return network_.value_model ? nullptr : network_.value_head.get();
  }
  const Network& network() const { return network_; }
  // default_parallelism unless it was set. Changes the last bits of results.
  Parallelism parallelism() const { return parallelism_; }
  void set_parallelism(Parallelism parallelism) { parallelism_ = parallelism; }
  const ParameterBuffer& parameters() const { return *parameters_; }

  // A second network over the same parameter values, with gradients of its own.
  struct Replica {
    Network network;
    at::Tensor gradient;
  };
  Replica replicate() const;

 private:
  // Nothing is filled in.
  Policy(PolicyText text, std::string base, const ModelOptions& options, ValueNetwork value);
  // Of the policy, or of V.
  std::vector<NamedTensor> named_values(bool of_value) const;
  void initialise(uint64_t seed);
  void load(const PolicySource& source, uint64_t seed);

  ValueNetwork value_;
  PolicyText text_;
  std::string base_;  // what the frozen weights are from
  Network network_;
  std::unique_ptr<ParameterBuffer> parameters_;
  Parallelism parallelism_;
};

}  // namespace pgtrain
