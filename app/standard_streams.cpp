#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "commands.h"
#include "core/error.h"

namespace pgtrain {

void hold_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd > 2) ::close(fd);
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw DiskError("cannot write to standard output");
}

}  // namespace pgtrain
