// A small experiment with every kind of key, for the tests of config.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/dump.h"
#include "config/load.h"
#include "config/section.h"
#include "core/error.h"
#include "support/support.h"

namespace pgtrain::test {

struct PartOptions {
  std::string metric = "edit_similarity";
  double weight = 1.0;
};

inline void describe(Section& s, PartOptions& o) {
  s.choice("metric", o.metric, {"edit_similarity", "exact_match"}, "how texts are compared");
  s.field("weight", o.weight, "factor of this part");
}

enum class Schedule { kConstant, kLinear };

struct SampleOptions {
  std::string train_file;
  int64_t steps = 200;
  double learning_rate = 1e-3;
  double dropout = 0.0;
  bool whiten = false;
  std::string name = "run";
  std::vector<std::string> tags = {"a", "b"};
  std::string tokenizer = "char";
  Schedule schedule = Schedule::kConstant;
  std::vector<PartOptions> reward = {{}};
  std::string preset = "rloo";
  std::string baseline = "leave_one_out";
  double kl_coef = 0.0;
  double clip_range = 0.2;
};

inline void describe(Section& s, SampleOptions& o) {
  Section& data = s.section("data", "where the records are");
  data.field("train", o.train_file, "records to train on").required();
  Section& train = s.section("train", "the loop");
  train.field("steps", o.steps, "policy-gradient steps", at_least(1));
  train.field("dropout", o.dropout, "share of units dropped", closed_open(0, 1));
  train.field("whiten", o.whiten, "scale advantages to unit variance");
  train.field("name", o.name, "name of the run");
  train.field("tags", o.tags, "words to find the run by");
  Section& optimizer = s.section("optimizer", "the update");
  optimizer.field("learning_rate", o.learning_rate, "step size", above(0.0));
  optimizer.choice("schedule", o.schedule,
                   {{"constant", Schedule::kConstant}, {"linear", Schedule::kLinear}},
                   "course of the learning rate");
  s.section("tokenizer", "text to numbers")
      .choice("kind", o.tokenizer, {"char", "byte", "word"}, "what a token is");
  s.list("reward", o.reward, "parts of the reward");
  Section& algorithm = s.section("algorithm", "the estimator");
  // Described in the middle on purpose: a preset comes first whatever its position.
  algorithm.choice("baseline", o.baseline, {"none", "leave_one_out", "value"}, "the baseline");
  algorithm.preset("preset", o.preset,
                   {{"rloo",
                     [&o] {
                       o.baseline = "leave_one_out";
                       o.kl_coef = 0;
                     }},
                    {"ppo",
                     [&o] {
                       o.baseline = "value";
                       o.kl_coef = 0.05;
                     }}},
                   "a published combination");
  Section& kl = algorithm.section("kl", "distance to the reference");
  kl.field("coef", o.kl_coef, "weight of the KL term", at_least(0));
  algorithm.field("clip_range", o.clip_range, "clipping of the ratio", open_open(0, 1));
}

// Options with their section; the section points into the options, so both stay where they are.
struct Sample {
  Sample() { describe(root, options); }
  SampleOptions options;
  Section root;
};

// A folder in which every file that a test writes is found by its name.
class ConfigFolder {
 public:
  std::filesystem::path write(const std::string& name, const std::string& text) {
    write_file(folder_ / name, text);
    return folder_ / name;
  }
  std::string path(const std::string& name) const { return folder_ / name; }

 private:
  TempDir folder_;
};

// The options that one file and the overrides give; data.train is set unless the text sets it.
inline SampleOptions load_sample(const std::string& yaml, std::vector<std::string> overrides = {}) {
  ConfigFolder folder;
  Sample sample;
  if (yaml.find("data:") == std::string::npos) overrides.insert(overrides.begin(), "data.train=t");
  load(sample.root, {folder.write("exp.yaml", yaml)}, overrides);
  return sample.options;
}

// The message for a wrong file, with the folder's name taken out; "" when it loads.
inline std::string error_of(const std::string& yaml,
                            const std::vector<std::string>& overrides = {}) {
  ConfigFolder folder;
  Sample sample;
  const std::string path = folder.write("exp.yaml", yaml).string();
  std::string message = message_of<ConfigError>([&] { load(sample.root, {path}, overrides); });
  const std::string prefix = path.substr(0, path.size() - std::string("exp.yaml").size());
  for (size_t at; (at = message.find(prefix)) != std::string::npos;)
    message.erase(at, prefix.size());
  return message;
}

// error_of for a single override, on a file that is right.
inline std::string override_error(const std::string& text) {
  return error_of("data: {train: t}\n", {text});
}

}  // namespace pgtrain::test
