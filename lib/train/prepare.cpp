#include "train/prepare.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/hash.h"

namespace pgtrain {
namespace {

// The error of a key, with the place that set it.
ConfigError key_error(const ExperimentConfig& config, const char* key, const std::string& message) {
  return ConfigError(
      fmt::format("{}: error: {}: {}", config.provenance.place_of(key), key, message));
}

std::unique_ptr<Tokenizer> learn_tokenizer(const ExperimentConfig& config, const Dataset& data) {
  std::vector<std::string_view> texts;
  for (const Record& record : data.records) {
    texts.push_back(record.prompt);
    texts.insert(texts.end(), record.targets.begin(), record.targets.end());
  }
  try {
    return build_tokenizer(config.tokenizer, texts);
  } catch (const ConfigError& e) {
    throw key_error(config, "tokenizer.vocab_size", e.what());
  }
}

ModelOptions sized_model(const ExperimentConfig& config, const Tokenizer& tokenizer) {
  ModelOptions model = config.model;
  if (model.vocab_size == 0) model.vocab_size = tokenizer.vocab_size();
  if (model.vocab_size < tokenizer.vocab_size())
    throw key_error(
        config, "model.vocab_size",
        fmt::format(
            "is {}, but the tokenizer has {} tokens: raise it, or lower tokenizer.vocab_size",
            model.vocab_size, tokenizer.vocab_size()));
  return model;
}

// Tokens, with the end token, of the target that the record needs: the warm-up learns the first
// one, the reward is content with the shortest.
int64_t needed_tokens(const Record& record, const Tokenizer& tokenizer, bool first) {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const std::string& target : record.targets) {
    least = std::min(least, static_cast<int64_t>(tokenizer.encode(target).size()) + 1);
    if (first) break;
  }
  return least;
}

void drop_or_refuse_overlong(Dataset& data, const Tokenizer& tokenizer,
                             const ExperimentConfig& config) {
  const int64_t limit = config.rollout.max_new_tokens;
  const auto length = [&](const Record& record) {
    return needed_tokens(record, tokenizer,
                         config.warmup.steps > 0 || config.algorithm.supervised_coef > 0);
  };
  const auto is_long = [&](const Record& record) { return length(record) > limit; };
  const auto first = std::find_if(data.records.begin(), data.records.end(), is_long);
  if (first == data.records.end()) return;
  const auto count = std::count_if(first, data.records.end(), is_long);
  if (config.train.overlong == "error")
    throw DataError(
        fmt::format("{}:{}: the target has {} tokens with its end token, rollout.max_new_tokens is "
                    "{}, so it can never be reached ({} such records): raise max_new_tokens or set "
                    "train.overlong: drop",
                    data.path, first->line, length(*first), limit, count));
  if (count == data.size())
    throw DataError(fmt::format("{}: every target is longer than rollout.max_new_tokens ({})",
                                data.path, limit));
  spdlog::warn(
      "{}: {} of {} records are left out: their targets are longer than rollout.max_new_tokens "
      "({})",
      data.path, count, data.size(), limit);
  data.records.erase(std::remove_if(first, data.records.end(), is_long), data.records.end());
}

void warn_about_overlong(const Dataset& data, const Tokenizer& tokenizer, int64_t limit) {
  const auto count = std::count_if(
      data.records.begin(), data.records.end(),
      [&](const Record& record) { return needed_tokens(record, tokenizer, false) > limit; });
  if (count > 0)
    spdlog::warn(
        "{}: {} of {} targets are longer than rollout.max_new_tokens ({}) and can never be matched",
        data.path, count, data.size(), limit);
}

void warn_about_unknown(const Dataset& data, const Tokenizer& tokenizer) {
  const auto affected =
      std::count_if(data.records.begin(), data.records.end(), [&](const Record& record) {
        const auto ids = tokenizer.encode(record.targets[0]);
        return std::find(ids.begin(), ids.end(), Tokenizer::unk_id()) != ids.end();
      });
  if (affected > 0)
    spdlog::warn(
        "{}: {} of {} targets have tokens outside the vocabulary ({}) and can never be matched "
        "exactly",
        data.path, affected, data.size(), tokenizer.vocab_size());
}

void check_records(const PreparedExperiment& experiment, const ExperimentConfig& config) {
  experiment.reward->check(experiment.train);
  check_fairness(config.fairness, experiment.train);
  if (!experiment.eval) return;
  experiment.reward->check(*experiment.eval);
  check_fairness(config.fairness, *experiment.eval);
}

}  // namespace

std::unique_ptr<Reward> prepare_reward(const ExperimentConfig& config,
                                       const RewardContext& context) {
  try {
    return std::make_unique<Reward>(config.reward, context);
  } catch (const ConfigError& e) {
    const std::string message = e.what();  // "reward.0.pattern: ..."
    const std::string key = message.substr(0, message.find(':'));
    const std::string part = key.substr(0, key.find('.', key.find('.') + 1));
    const bool is_set = config.provenance.is_set(key);
    throw ConfigError(
        fmt::format("{}: error: {}", config.provenance.place_of(is_set ? key : part), message));
  }
}

static PreparedExperiment prepare_with(const ExperimentConfig& config,
                                       const RewardContext& context) {
  const DataOptions& data = config.data;
  PreparedExperiment result;
  result.reward = prepare_reward(config, context);
  result.train =
      load_dataset(data.train, data.prompt_field, data.target_field, data.prompt_template);
  result.data_digest = digest_file(data.train).sha256;
  if (!data.eval.empty()) {
    result.eval =
        load_dataset(data.eval, data.prompt_field, data.target_field, data.prompt_template);
    result.data_digest.append("\n").append(digest_file(data.eval).sha256);
  }
  for (const RewardPartOptions& part : config.reward)
    if (!part.words_file.empty())
      result.data_digest.append("\n").append(digest_file(part.words_file).sha256);
  check_records(result, config);
  result.tokenizer = learn_tokenizer(config, result.train);
  result.model = sized_model(config, *result.tokenizer);
  drop_or_refuse_overlong(result.train, *result.tokenizer, config);
  warn_about_unknown(result.train, *result.tokenizer);
  if (result.eval) {
    warn_about_unknown(*result.eval, *result.tokenizer);
    warn_about_overlong(*result.eval, *result.tokenizer, config.rollout.max_new_tokens);
  }
  return result;
}

PreparedExperiment prepare(const ExperimentConfig& config, const EmbedText& embed) {
  return prepare_with(config, {embed, config.rollout.max_new_tokens, true});
}

PreparedExperiment check_experiment(const ExperimentConfig& config) {
  const auto no_embedding = [](std::string_view) { return std::vector<float>(); };
  return prepare_with(config, {no_embedding, config.rollout.max_new_tokens, false});
}

}  // namespace pgtrain
