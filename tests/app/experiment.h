// A tiny experiment in a folder of its own, and what a run left on the disk.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.h"

namespace pgtrain::test {

// Path -> bytes of the file, "-> target" of a link, "/" of a folder; everything below `folder`.
std::map<std::string, std::string> listing(const std::string& folder);

// The lines of a text, each parsed as JSON.
std::vector<nlohmann::json> json_lines(const std::string& text);

// A folder with data, a configuration tiny.yaml (GRU of 16, char tokenizer, run directory "run")
// and commands that run in it.
class Experiment {
 public:
  Experiment();

  std::string operator/(const std::string& name) const { return folder_ / name; }
  std::string path() const { return folder_.path().string(); }
  ProcessOptions options() const;

  // pgtrain with this working directory.
  ProcessResult run(const std::vector<std::string>& arguments) const;
  // pgtrain train --config tiny.yaml --set ...
  ProcessResult train(const std::vector<std::string>& settings = {}) const;
  static std::vector<std::string> train_arguments(const std::vector<std::string>& settings);

  // Name of the checkpoint that the link "latest" or "best" of the run names.
  std::string link(const std::string& name) const;
  std::string metrics() const { return read_file(*this / "run/metrics.jsonl"); }

 private:
  TempDir folder_;
};

// What must be the same bits whenever the same experiment was run: rows, links, and the final
// checkpoint but for its experiment.yaml (it holds run.threads) and the manifest (it has the
// digest of that).
std::map<std::string, std::string> exact_record(const Experiment& experiment);

// Makes the policy of tiny.yaml a transformer of the Llama type, just as small.
void use_llama(const Experiment& experiment);

// Changes one byte in the middle of a file.
void flip_byte(const std::string& path);

}  // namespace pgtrain::test
