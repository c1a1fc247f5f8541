#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "actions.h"
#include "core/error.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEngine = "pgtrain-engine";

// As the process was started.
std::vector<std::string> arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> result;
  for (std::string text; std::getline(file, text, '\0');) result.push_back(text);
  return result;
}

// Replaces the process by the engine with the same arguments: the file beside this program, or in
// ../libexec/pgtrain. Returns only by throwing InternalError.
int run_engine() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::array<fs::path, 2> places = {self / kEngine,
                                          self.parent_path() / "libexec" / "pgtrain" / kEngine};
  std::vector<std::string> texts = arguments();
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  for (const fs::path& place : places) {
    execv(place.c_str(), pointers.data());
    if (errno != ENOENT && errno != ENOTDIR)
      throw InternalError(
          fmt::format("{}: cannot be started: {}", place.string(), std::strerror(errno)));
  }
  throw InternalError(fmt::format("{} belongs beside pgtrain, but there is neither {} nor {}",
                                  kEngine, places[0].string(), places[1].string()));
}

}  // namespace

int run_train(const TrainFlags&) { return run_engine(); }
int run_sample(const SampleFlags&) { return run_engine(); }
int run_chat(const GenerationFlags&) { return run_engine(); }
int run_eval(const EvalFlags&) { return run_engine(); }
int run_export(const ExportFlags&) { return run_engine(); }
int run_convert(const ConvertFlags&) { return run_engine(); }
int run_inspect(const InspectFlags&) { return run_engine(); }
int run_validate(const ValidateFlags&) { return run_engine(); }
int run_bench(const BenchFlags&) { return run_engine(); }
int run_doctor(bool) { return run_engine(); }

}  // namespace pgtrain
