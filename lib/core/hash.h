// SHA-256 (FIPS 180-4) of bytes and files, as sha256sum prints it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace pgtrain {

// 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

struct FileDigest {
  uint64_t bytes = 0;
  std::string sha256;
};

// Size and hash of a file, read in blocks. Throws DataError when it cannot be read.
FileDigest digest_file(const std::filesystem::path& path);

}  // namespace pgtrain
