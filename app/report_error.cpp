#include "report_error.h"

#include <cstdio>
#include <filesystem>
#include <new>
#include <string>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr const char* kOutOfMemory =
    "out of memory: use a smaller model, rollout.shard_size or train.micro_batch";

int report(const std::string& message, int code) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return code;
}

}  // namespace

int report_error() {
  try {
    throw;
  } catch (const Error& e) {
    return report(e.what(), e.exit_code());
  } catch (const std::filesystem::filesystem_error& e) {
    return report(fmt::format("{}: {}", e.path1().string(), e.code().message()), kExitData);
  } catch (const std::bad_alloc&) {
    return report(kOutOfMemory, kExitInternal);
  } catch (const std::exception& e) {
    // LibTorch's errors end with a stack trace, and it has no type of its own for a lack of memory.
    const std::string message = e.what();
    const bool no_memory = message.find("can't allocate memory") != std::string::npos;
    return report(no_memory ? kOutOfMemory : message.substr(0, message.find("\nframe #")),
                  kExitInternal);
  }
}

}  // namespace pgtrain
