#include "share.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "core/files.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxRecipeBytes = uint64_t{1} << 20;

// Where the first sentence ends: at a full stop outside parentheses that follows no abbreviation.
size_t sentence_end(const std::string& text) {
  int depth = 0;
  size_t word = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ' ') word = i + 1;
    const std::string_view last(text.data() + word, i - word);
    const bool is_abbreviation = last == "al" || last == "Dr";
    if (text[i] == '.' && text[i + 1] == ' ' && depth == 0 && !is_abbreviation) return i;
  }
  return std::string::npos;
}

// Of the lines that begin with '#', but for an editor's.
std::string first_sentence(const std::string& yaml) {
  std::string text;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line) && !line.empty() && line[0] == '#';) {
    if (line.find("yaml-language-server") != std::string::npos || line.size() <= 2) continue;
    text += (text.empty() ? "" : " ") + line.substr(2);
  }
  text = text.substr(0, sentence_end(text));
  if (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

fs::path share_directory() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::array<fs::path, 2> places = {
      program.parent_path() / "share" / "pgtrain",
      program.parent_path().parent_path().parent_path()};  // SOURCE/build/PRESET/app
  for (const fs::path& place : places)
    if (fs::is_regular_file(place / "configs" / "starter.yaml", error)) return place;
  throw InternalError(fmt::format("the files that come with pgtrain are neither in {} nor in {}",
                                  places[0].string(), places[1].string()));
}

std::vector<Recipe> all_recipes(const fs::path& share) {
  const fs::path configs = share / "configs";
  std::vector<Recipe> recipes;
  for (const auto& entry : fs::recursive_directory_iterator(configs)) {
    if (entry.path().extension() != ".yaml") continue;
    const fs::path name = fs::relative(entry.path(), configs).replace_extension();
    recipes.push_back(
        {name.string(), entry.path(), first_sentence(read_file(entry.path(), kMaxRecipeBytes))});
  }
  std::sort(recipes.begin(), recipes.end(),
            [](const Recipe& a, const Recipe& b) { return a.name < b.name; });
  return recipes;
}

}  // namespace pgtrain
