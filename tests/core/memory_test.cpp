#include "core/memory.h"

#include <unistd.h>

#include <fstream>

#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

struct Root {
  fs::path path = fs::temp_directory_path() / ("pgtrain_memory_" + std::to_string(getpid()));
  Root() { fs::remove_all(path); }
  ~Root() { fs::remove_all(path); }
  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << text;
  }
};

TEST_CASE("memory: the least of the machine and the cgroups", "[core]") {
  const Root root;
  CHECK(available_memory(root.path) == 0);
  root.write("proc/meminfo", "MemTotal: 8000 kB\nMemFree: 1 kB\nMemAvailable:  4000 kB\n");
  CHECK(available_memory(root.path) == 4000 * 1024);

  root.write("proc/self/cgroup", "0::/user/job\n");
  root.write("sys/fs/cgroup/user/job/memory.max", "max\n");
  root.write("sys/fs/cgroup/user/job/memory.current", "1000\n");
  CHECK(available_memory(root.path) == 4000 * 1024);
  root.write("sys/fs/cgroup/user/memory.max", "3000000\n");
  root.write("sys/fs/cgroup/user/memory.current", "1000000\n");
  root.write("sys/fs/cgroup/user/memory.stat", "anon 5\ninactive_file 500000\n");
  CHECK(available_memory(root.path) == 2500000);
  root.write("sys/fs/cgroup/user/memory.current", "4000000\n");
  CHECK(available_memory(root.path) == 500000);

  root.write("proc/self/cgroup", "12:cpu:/x\n3:memory:/box\n");
  root.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "90000\n");
  root.write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "20000\n");
  CHECK(available_memory(root.path) == 70000);
}

TEST_CASE("memory: this machine has some", "[core]") { CHECK(available_memory() > 0); }

TEST_CASE("memory: sizes in words", "[core]") {
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(1000) == "1.0 kB");
  CHECK(format_bytes(3149000) == "3.1 MB");
  CHECK(format_bytes(9960000) == "10 MB");
  CHECK(format_bytes(999600000) == "1.0 GB");
  CHECK(format_bytes(5210000000) == "5.2 GB");
  CHECK(format_bytes(uint64_t{72} * 1000000000000) == "72 TB");
}

}  // namespace
}  // namespace pgtrain
