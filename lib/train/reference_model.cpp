#include "train/reference_model.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"

namespace pgtrain {
namespace {

constexpr const char* kFile = "reference.safetensors";

// Ids stand for the same tokens, in whatever form the vocabularies came.
bool same_tokens(const Tokenizer& a, const Tokenizer& b) {
  if (a.vocab_size() != b.vocab_size()) return false;
  for (int64_t id = 0; id < a.vocab_size(); ++id)
    if (a.token_text(id) != b.token_text(id)) return false;
  return true;
}

void check_same_vocabulary(const Policy& reference, const Policy& policy,
                           const std::string& folder) {
  if (!same_tokens(reference.tokenizer(), policy.tokenizer()))
    throw DataError(fmt::format(
        "{}: algorithm.kl.reference has another tokenizer than the policy, so their probabilities "
        "are not of the same tokens",
        folder));
  const int64_t theirs = reference.model().options().vocab_size;
  const int64_t ours = policy.model().options().vocab_size;
  if (theirs != ours)
    throw DataError(
        fmt::format("{}: algorithm.kl.reference has a vocabulary of {}, the policy one of {}",
                    folder, theirs, ours));
}

}  // namespace

StartPolicy StartPolicy::freeze(const Policy& policy, const std::filesystem::path& file) {
  StartPolicy start;
  start.policy_ = policy.copy();
  start.policy_->write_parameters(file);
  start.digest_ = digest_file(file).sha256;
  return start;
}

StartPolicy StartPolicy::open(const Policy& like, const std::filesystem::path& file,
                              const std::string& digest) {
  if (digest_file(file).sha256 != digest)
    throw DataError(fmt::format(
        "{}: is not the file that the run was started with, so it cannot go on exactly; "
        "restore the file or start another run",
        file.string()));
  auto policy = like.copy();
  policy->read_parameters(file);
  StartPolicy start;
  start.policy_ = std::move(policy);
  start.digest_ = digest;
  return start;
}

ReferenceModel::ReferenceModel(const KlOptions& options, std::shared_ptr<const Policy> start)
    : options_(options) {
  if (options.reference == "ema" || (options.reference == "start" && options.refresh_every > 0)) {
    moving_ = start->copy();
  } else if (options.reference == "start") {
    fixed_ = std::move(start);
  } else {
    fixed_ = Policy::open(options.reference);
    check_same_vocabulary(*fixed_, *start, options.reference);
    digest_ = fixed_->weights_digest();
  }
}

at::Tensor ReferenceModel::log_probs(WorkerPool& pool, const SequenceBatch& batch,
                                     const at::Tensor& mask, double temperature,
                                     const WorkSplit& split) const {
  return frozen_log_probs(policy().model(), pool, batch, mask, temperature, split);
}

void ReferenceModel::follow(const Policy& policy, int64_t step) {
  if (!moving_) return;
  if (options_.reference == "ema")
    moving_->mix(policy, options_.ema_decay);
  else if (step % options_.refresh_every == 0)
    moving_->mix(policy, 0);
}

void ReferenceModel::write(const std::filesystem::path& folder) const {
  if (moving_) moving_->write_parameters(folder / kFile);
}

void ReferenceModel::read(const std::filesystem::path& folder) {
  if (moving_) moving_->read_parameters(folder / kFile);
}

}  // namespace pgtrain
