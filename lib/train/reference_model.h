// Frozen policies beside the one that is trained: the start of the policy-gradient phase, and the
// reference that the KL penalty compares with.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "train/algorithm_options.h"
#include "train/forward.h"
#include "train/policy.h"

namespace pgtrain {

// The policy as it was before the first policy-gradient step: one file of the run directory
// (safetensors), written before the first checkpoint of that phase, whose SHA-256 every checkpoint
// remembers. It never changes, so checkpoints do not repeat it.
class StartPolicy {
 public:
  // Copies the weights and writes the file, durable on return. Throws DiskError.
  static StartPolicy freeze(const Policy& policy, const std::filesystem::path& file);
  // The policy of the file, whose network and tokenizer are those of `like`. Throws DataError when
  // the file is missing or another one than the digest tells.
  static StartPolicy open(const Policy& like, const std::filesystem::path& file,
                          const std::string& digest);

  const Policy& policy() const { return *policy_; }
  std::shared_ptr<const Policy> shared() const { return policy_; }
  const std::string& digest() const { return digest_; }

 private:
  std::shared_ptr<const Policy> policy_;
  std::string digest_;
};

// The reference of `algorithm.kl`.
// - start: the start policy, fixed; with refresh_every > 0 every so many steps the present policy;
// - ema: ema_decay * reference + (1 - ema_decay) * policy after each step, from the start policy;
// - a checkpoint, or any other model that Policy::open knows: fixed.
class ReferenceModel {
 public:
  // `start` = the start policy. Throws DataError for a folder that is no checkpoint or whose
  // tokenizer or vocabulary are not the policy's.
  ReferenceModel(const KlOptions& options, std::shared_ptr<const Policy> start);

  // Changes during the run, so that checkpoints must hold it.
  bool changes() const { return moving_ != nullptr; }
  const Policy& policy() const { return moving_ ? *moving_ : *fixed_; }
  // SHA-256 of the weights of a checkpoint or model; empty for the others.
  const std::string& digest() const { return digest_; }

  // [batch, time] like the mask: log-probabilities of the completion tokens, over the ids they were
  // drawn from.
  at::Tensor log_probs(WorkerPool& pool, const SequenceBatch& batch, const at::Tensor& mask,
                       double temperature, const WorkSplit& split) const;

  // After `step` finished steps.
  void follow(const Policy& policy, int64_t step);

  // reference.safetensors of a checkpoint; only when it changes.
  void write(const std::filesystem::path& folder) const;
  void read(const std::filesystem::path& folder);

 private:
  KlOptions options_;
  std::shared_ptr<const Policy> fixed_;
  std::unique_ptr<Policy> moving_;
  std::string digest_;
};

}  // namespace pgtrain
