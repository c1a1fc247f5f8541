#include "core/memory.h"

#include <sys/mman.h>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sstream>

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

// The number that the file begins with; kUnknown when there is none ("max", no such file).
uint64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  uint64_t value = 0;
  return in >> value ? value : kUnknown;
}

uint64_t meminfo_available(const fs::path& root) {
  std::ifstream in(root / "proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    uint64_t kilobytes = 0;
    if (words >> name >> kilobytes && name == "MemAvailable:") return kilobytes * 1024;
  }
  return kUnknown;
}

uint64_t left(uint64_t limit, uint64_t used) {
  if (limit == kUnknown || used == kUnknown) return kUnknown;
  return limit > used ? limit - used : 0;
}

// Page cache counts as used in a cgroup though the kernel gives it back.
uint64_t inactive_file(const fs::path& stat) {
  std::ifstream in(stat);
  std::string name;
  uint64_t value = 0;
  while (in >> name >> value)
    if (name == "inactive_file" || name == "total_inactive_file") return value;
  return 0;
}

uint64_t cgroup_left(const fs::path& folder, const char* limit, const char* used) {
  const uint64_t rest = left(number_in(folder / limit), number_in(folder / used));
  return rest == kUnknown ? kUnknown : rest + inactive_file(folder / "memory.stat");
}

// Of the process's own cgroup and of those above it; 0::/path is version 2, N:memory:/path is 1.
uint64_t cgroups_left(const fs::path& root) {
  std::ifstream in(root / "proc/self/cgroup");
  const fs::path mount = root / "sys/fs/cgroup";
  uint64_t least = kUnknown;
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version2 = controllers.empty();
    if (!version2 && controllers != "memory") continue;
    const fs::path base = version2 ? mount : mount / "memory";
    fs::path path = fs::path(line.substr(second + 1)).relative_path();
    for (;; path = path.parent_path()) {
      const fs::path folder = base / path;
      least = std::min(
          least, version2 ? cgroup_left(folder, "memory.max", "memory.current")
                          : cgroup_left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes"));
      if (path.empty()) break;
    }
  }
  return least;
}

}  // namespace

uint64_t available_memory(const fs::path& root) {
  const uint64_t least = std::min(meminfo_available(root), cgroups_left(root));
  return least == kUnknown ? 0 : least;
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                      : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

void advise_huge_pages(void* memory, size_t bytes) {
  constexpr uintptr_t kHugePage = uintptr_t{1} << 21;
  const auto start = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (start + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (start + bytes) / kHugePage * kHugePage;
  if (first < end)
    static_cast<void>(madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

}  // namespace pgtrain
