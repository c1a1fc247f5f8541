#include "core/process.h"

#include <unistd.h>

#include <vector>

#include "support/support.h"

namespace pgtrain {

TEST_CASE("process: peak memory holds what was in use and never falls", "[core]") {
  constexpr size_t kBytes = size_t{64} << 20;
  const uint64_t before = peak_memory();
  {
    std::vector<char> block(kBytes);
    for (size_t i = 0; i < block.size(); i += 4096) block[i] = static_cast<char>(i % 127 + 1);
    CHECK(peak_memory() >= kBytes);
    CHECK(block[4096] != 0);
  }
  CHECK(peak_memory() >= before);
  CHECK(peak_memory() >= kBytes);
}

TEST_CASE("process: its age grows with the clock", "[core]") {
  const double before = process_age();
  usleep(50000);
  const double after = process_age();
  CHECK(before >= 0);
  CHECK(after - before >= 0.05);
  CHECK(after < 86400);
}

}  // namespace pgtrain
