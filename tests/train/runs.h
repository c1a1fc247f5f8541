// Runs of the trainer and what they left on the disk.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/signals.h"
#include "support/support.h"
#include "train/trainer.h"

namespace pgtrain::test {

using Settings = std::vector<std::string>;

inline Settings operator+(Settings a, const Settings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Everything of a run that must be the same bits after any interruption. config.yaml and the
// manifest tell the run directory, so they are left out.
inline std::string record_of(const std::string& run) {
  std::string all;
  for (const char* file : {"metrics.jsonl", "completions.jsonl"})
    all += std::string(file) + ":\n" + read_file(run + "/" + file);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoints/latest"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    if (name != "experiment.yaml" && name != "manifest.json")
      all += name + ":\n" + read_file(run + "/checkpoints/latest/" + name);
  return all;
}

// The values of a column in the rows of the policy-gradient steps.
inline std::vector<double> column(const std::string& run, const std::string& name) {
  std::vector<double> values;
  std::istringstream lines(read_file(run + "/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["phase"] == "train") values.push_back(row.at(name).get<double>());
  }
  return values;
}

// Trains to the end in runs of one step each.
inline void train_in_pieces(const ExperimentConfig& config) {
  // A raised flag lets exactly the step in work finish: each run makes one step at most, then
  // saves.
  int runs = 0;
  ExitCode code = kExitStopped;
  while (code != kExitDone && runs < 40) {
    Trainer trainer(config);
    StopFlag::set(0);
    std::thread raise([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      StopFlag::set(SIGTERM);
    });
    code = trainer.run().exit_code;
    raise.join();
    StopFlag::set(0);
    ++runs;
  }
  CHECK(code == kExitDone);
}

}  // namespace pgtrain::test
