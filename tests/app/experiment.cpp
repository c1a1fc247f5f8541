#include "experiment.h"

#include <sstream>

namespace pgtrain::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"(run: {name: tiny, directory: run, seed: 3, threads: 2}
data: {train: train.jsonl, eval: eval.jsonl}
tokenizer: {kind: char}
model: {kind: gru, embedding_size: 8, hidden_size: 16, num_layers: 1}
warmup: {steps: 6, batch_size: 4, learning_rate: 1.0e-2}
rollout: {prompts_per_step: 4, samples_per_prompt: 2, max_new_tokens: 8, shard_size: 2}
algorithm: {preset: rloo}
optimizer: {learning_rate: 1.0e-2}
train: {steps: 8, micro_batch: 2}
eval: {every: 4}
checkpoint: {every: 3, keep_last: 3}
)";

// "n 4" -> "bb": three letters, one to four times.
std::string records(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += nlohmann::json{{"prompt", "n " + std::to_string(i)},
                            {"parity", i % 2 == 0 ? "even" : "odd"},
                            {"target", std::string(static_cast<size_t>(1 + i % 4), "abc"[i % 3])}}
                 .dump() +
             "\n";
  return lines;
}

}  // namespace

std::map<std::string, std::string> listing(const std::string& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name =
        fs::relative(entry.path().parent_path(), folder) / entry.path().filename();
    if (entry.is_symlink())
      result[name] = "-> " + fs::read_symlink(entry.path()).string();
    else
      result[name] = entry.is_directory() ? "/" : read_file(entry.path().string());
  }
  return result;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(nlohmann::json::parse(line));
  return result;
}

Experiment::Experiment() {
  write_file(*this / "tiny.yaml", kConfig);
  write_file(*this / "train.jsonl", records(12));
  write_file(*this / "eval.jsonl", records(4));
}

ProcessOptions Experiment::options() const {
  ProcessOptions result;
  result.directory = path();
  return result;
}

ProcessResult Experiment::run(const std::vector<std::string>& arguments) const {
  return run_pgtrain(arguments, options());
}

std::vector<std::string> Experiment::train_arguments(const std::vector<std::string>& settings) {
  std::vector<std::string> arguments = {"train", "--config", "tiny.yaml"};
  for (const std::string& setting : settings) {
    arguments.emplace_back("--set");
    arguments.push_back(setting);
  }
  return arguments;
}

ProcessResult Experiment::train(const std::vector<std::string>& settings) const {
  return run(train_arguments(settings));
}

std::string Experiment::link(const std::string& name) const {
  return fs::read_symlink(*this / ("run/checkpoints/" + name)).string();
}

std::map<std::string, std::string> exact_record(const Experiment& experiment) {
  std::map<std::string, std::string> record;
  for (const char* name : {"metrics.jsonl", "completions.jsonl"})
    record[name] = read_file(experiment / ("run/" + std::string(name)));
  if (fs::exists(experiment / "run/start.safetensors"))
    record["start.safetensors"] = read_file(experiment / "run/start.safetensors");
  for (const char* name : {"latest", "best"}) record[name] = experiment.link(name);
  for (auto& [name, bytes] : listing(experiment / ("run/checkpoints/" + record["latest"])))
    if (name != "./experiment.yaml" && name != "./manifest.json") record[name] = bytes;
  return record;
}

void use_llama(const Experiment& experiment) {
  std::string config = read_file(experiment / "tiny.yaml");
  const std::string gru = "kind: gru, embedding_size: 8";
  config.replace(config.find(gru), gru.size(), "kind: llama");
  write_file(experiment / "tiny.yaml", config);
}

void flip_byte(const std::string& path) {
  std::string bytes = read_file(path);
  char& byte = bytes.at(bytes.size() / 2);
  byte = static_cast<char>(byte ^ 0x10);
  write_file(path, bytes);
}

}  // namespace pgtrain::test
