// The files that come with the program: configs/ and data/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pgtrain {

// PREFIX/share/pgtrain of an installed program, the source tree of one that was built in it. Throws
// InternalError when there is neither.
std::filesystem::path share_directory();

// An experiment that comes with the program.
struct Recipe {
  std::string name;  // "quickstart", "presets/grpo": the path below configs/ without its ending
  std::filesystem::path file;
  std::string summary;  // the first sentence of the comment at its head
};

// In byte order of the names.
std::vector<Recipe> all_recipes(const std::filesystem::path& share);

}  // namespace pgtrain
