// The exception types of pgtrain, their process exit codes, and the check macro for programmer
// errors.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <stdexcept>
#include <string>

namespace pgtrain {

// Documented exit codes of the binary (design: 0 done ... 130 interrupted after saving).
enum ExitCode : int {
  kExitDone = 0,
  kExitInternal = 1,
  kExitConfig = 2,
  kExitDiverged = 3,
  kExitData = 4,
  kExitDisk = 5,
  kExitStopped = 75,
  kExitInterrupted = 130,
};

// Base of every error that a user can cause or meet. what() is the whole message, ready to print.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitCode code = kExitInternal)
      : std::runtime_error(message), exit_code_(code) {}
  ExitCode exit_code() const { return exit_code_; }

 private:
  ExitCode exit_code_;
};

// The user's flags or experiment file are wrong: names the key, the value and what is allowed.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(message, kExitConfig) {}
};

// An input file, record or checkpoint is wrong: names the path and the place.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(message, kExitData) {}
};

// Writing failed (full disk, no permission, quota): names the path and the system's reason.
class DiskError : public Error {
 public:
  explicit DiskError(const std::string& message) : Error(message, kExitDisk) {}
};

// Training produced non-finite numbers too often to go on.
class DivergenceError : public Error {
 public:
  explicit DivergenceError(const std::string& message) : Error(message, kExitDiverged) {}
};

// A broken promise between parts of pgtrain: always a bug, never the user's fault.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* expression, const char* file, int line,
                             const std::string& message);

}  // namespace pgtrain

// PG_CHECK(rows > 0, "rows is {}", rows): throws InternalError with expression, message, file and
// line. Always on.
#define PG_CHECK(condition, ...)                                                         \
  do {                                                                                   \
    if (!(condition))                                                                    \
      ::pgtrain::fail_check(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__)); \
  } while (false)
