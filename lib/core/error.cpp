#include "core/error.h"

namespace pgtrain {

void fail_check(const char* expression, const char* file, int line, const std::string& message) {
  throw InternalError(
      fmt::format("internal error: {} ({}; {}:{})", message, expression, file, line));
}

}  // namespace pgtrain
