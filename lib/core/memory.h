// How much memory this process may still take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pgtrain {

// Bytes that can be allocated without swapping or being killed: MemAvailable of /proc/meminfo, or
// what the process's cgroup (version 1 or 2) leaves when that is less; 0 = cannot be told. `root`
// stands for / in tests.
uint64_t available_memory(const std::filesystem::path& root = "/");

// "512 B", "3.1 MB", "2.4 GB": powers of ten, two digits.
std::string format_bytes(uint64_t bytes);

// Asks for huge pages behind memory that will be read over and over in long runs, before it is
// first touched: fewer address translations. A hint; parts of pages at the ends are left alone.
void advise_huge_pages(void* memory, size_t bytes);

}  // namespace pgtrain
