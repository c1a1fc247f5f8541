#include "train/prepare.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/hash.h"
#include "nn/layer_names.h"
#include "train/work_split.h"

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
    for (const ChatMessage& message : record.messages) texts.push_back(message.content);
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

PolicySource pretrained_policy(const ExperimentConfig& config) {
  PolicySource policy = open_policy_source(config.model.path, AdapterUse::kMerge);
  policy.base = config.model.path;
  policy.model.lora = config.model.lora;
  if (!policy.model.lora.enabled()) return policy;
  const std::vector<std::string> layers = adaptable_layers(policy.model);
  if (layers.empty())
    throw key_error(config, "model.lora.rank",
                    fmt::format("{} is a model of kind {}, which takes no adapters",
                                config.model.path, policy.model.kind));
  for (const std::string& name : policy.model.lora.target_modules)
    if (std::none_of(layers.begin(), layers.end(),
                     [&](const std::string& layer) { return is_adapted(layer, {name}); }))
      throw key_error(config, "model.lora.target_modules",
                      fmt::format("the model has no layers '{}'; it has {}", name,
                                  fmt::join(adaptable_modules(policy.model), ", ")));
  return policy;
}

PolicySource policy_of(const ExperimentConfig& config, const Dataset& data) {
  PolicySource policy;
  if (config.model.kind == "pretrained") {
    policy = pretrained_policy(config);
  } else {
    policy.text.tokenizer = learn_tokenizer(config, data);
    policy.model = sized_model(config, *policy.text.tokenizer);
  }
  try {
    policy.text.set_chat(config.data.chat_template, config.data.system_prompt);
  } catch (const ConfigError& e) {
    throw key_error(config, "data.chat_template", e.what());
  }
  return policy;
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

// Records that cannot be used: an error that names the first, or dropped (train.overlong).
// problem(record) says what is wrong, or nothing; `what` and `cure` are for messages.
template <class Problem>
void drop_or_refuse(Dataset& data, const ExperimentConfig& config, const std::string& what,
                    const std::string& cure, const Problem& problem) {
  std::vector<bool> is_bad;
  std::string first;
  for (const Record& record : data.records) {
    const std::string text = problem(record);
    if (!text.empty() && first.empty())
      first = fmt::format("{}:{}: {}", data.path, record.line, text);
    is_bad.push_back(!text.empty());
  }
  const auto count = std::count(is_bad.begin(), is_bad.end(), true);
  if (count == 0) return;
  if (config.train.overlong == "error")
    throw DataError(
        fmt::format("{} ({} such records): {} or set train.overlong: drop", first, count, cure));
  if (count == data.size()) throw DataError(fmt::format("{}: every {}", data.path, what));
  spdlog::warn("{}: {} of {} records are left out: their {}", data.path, count, data.size(), what);
  size_t index = 0;
  data.records.erase(std::remove_if(data.records.begin(), data.records.end(),
                                    [&](const Record&) { return is_bad[index++]; }),
                     data.records.end());
}

void check_targets(Dataset& data, const PolicyText& text, const ExperimentConfig& config) {
  const int64_t limit = config.rollout.max_new_tokens;
  const bool first = config.warmup.steps > 0 || config.algorithm.supervised_coef > 0;
  drop_or_refuse(
      data, config, fmt::format("target is longer than rollout.max_new_tokens ({})", limit),
      "raise max_new_tokens", [&](const Record& record) -> std::string {
        const int64_t length = needed_tokens(record, *text.tokenizer, first);
        if (length <= limit) return "";
        return fmt::format(
            "the target has {} tokens with its end token, rollout.max_new_tokens is {}, so it can "
            "never be reached",
            length, limit);
      });
}

// Throws what is wrong with the prompt, with its place.
int64_t prompt_tokens(const Dataset& data, const Record& record, const PolicyText& text) {
  const auto place = [&](const Error& e) {
    return fmt::format("{}:{}: {}", data.path, record.line, e.what());
  };
  try {
    return static_cast<int64_t>(text.encode_prompt(record).size());
  } catch (const DataError& e) {
    throw DataError(place(e));
  } catch (const ConfigError& e) {
    throw ConfigError(place(e));
  }
}

// Every prompt can be encoded and leaves room for a completion, whose last token is not read any
// more.
// Returns the tokens of the longest prompt that stays.
int64_t check_prompts(Dataset& data, const PolicySource& policy, const ExperimentConfig& config) {
  int64_t longest = 1;
  const int64_t positions = policy.model.max_positions;
  const int64_t limit = policy.model.is_transformer()
                            ? positions - config.rollout.max_new_tokens + 1
                            : std::numeric_limits<int64_t>::max();
  drop_or_refuse(
      data, config,
      fmt::format("prompt leaves no room for rollout.max_new_tokens ({}) in the model's {} "
                  "positions",
                  config.rollout.max_new_tokens, positions),
      "lower max_new_tokens", [&](const Record& record) -> std::string {
        const int64_t length = prompt_tokens(data, record, policy.text);
        if (length <= limit) {
          longest = std::max(longest, length);
          return "";
        }
        return fmt::format(
            "the prompt has {} tokens; with rollout.max_new_tokens ({}) that is "
            "more than the model's {} positions",
            length, config.rollout.max_new_tokens, positions);
      });
  return longest;
}

void check_system_prompt(const PreparedExperiment& experiment, const ExperimentConfig& config) {
  if (config.data.system_prompt.empty() || experiment.policy.text.wraps_prompts) return;
  const auto& records = experiment.train.records;
  if (std::none_of(records.begin(), records.end(),
                   [](const Record& record) { return !record.messages.empty(); }))
    throw key_error(config, "data.system_prompt",
                    "has no effect: the prompts are plain texts; set data.chat_template");
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
        return std::find(ids.begin(), ids.end(), tokenizer.unk_id()) != ids.end();
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

// A mini-batch that is not cut into micro-batches has no parts to compare.
void check_gradient_noise(const ExperimentConfig& config, const PreparedExperiment& experiment) {
  const int64_t every = config.log.gradient_noise_every;
  if (!config.provenance.is_set("log.gradient_noise_every") || every == 0 ||
      every == LogOptions().gradient_noise_every)
    return;
  const int64_t mini_batch = config.rollout.prompts_per_step * config.rollout.samples_per_prompt /
                             config.algorithm.mini_batches;
  const int64_t micro_batch =
      split_work(config, experiment.policy.model, experiment.longest_prompt).micro_batch;
  if (mini_batch > micro_batch) return;
  throw key_error(
      config, "log.gradient_noise_every",
      fmt::format("compares parts of a mini-batch ({} completions) that micro-batches of {} do not "
                  "cut: lower train.micro_batch",
                  mini_batch, micro_batch));
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
  result.policy = policy_of(config, result.train);
  if (result.policy.text.chat)
    result.data_digest.append("\n").append(sha256(result.policy.text.files.chat_template));
  check_system_prompt(result, config);
  const Tokenizer& tokenizer = *result.policy.text.tokenizer;
  check_targets(result.train, result.policy.text, config);
  result.longest_prompt = check_prompts(result.train, result.policy, config);
  check_gradient_noise(config, result);
  warn_about_unknown(result.train, tokenizer);
  if (result.eval) {
    check_prompts(*result.eval, result.policy, config);
    warn_about_unknown(*result.eval, tokenizer);
    warn_about_overlong(*result.eval, tokenizer, config.rollout.max_new_tokens);
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
