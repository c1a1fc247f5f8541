#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "commands.h"
#include "config/suggest.h"
#include "core/error.h"
#include "core/files.h"
#include "share.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchemaFile = "pgtrain.schema.json";

struct Flags {
  std::string recipe = "starter";
  std::string directory = ".";
  bool list = false;
};

int list_recipes() {
  std::string text;
  for (const Recipe& recipe : all_recipes(share_directory()))
    text += fmt::format("{:22} {}\n", recipe.name, recipe.summary);
  print(text);
  return kExitDone;
}

const Recipe& find_recipe(const std::vector<Recipe>& recipes, const std::string& name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes) {
    if (recipe.name == name || fs::path(recipe.name).filename() == name) return recipe;
    names.push_back(recipe.name);
  }
  const std::string near = nearest(name, names);
  throw ConfigError(fmt::format("no recipe is named '{}'{}; pgtrain init --list names all", name,
                                near.empty() ? "" : "; did you mean '" + near + "'?"));
}

// What the YAML names below the folder (data, scripts): files, and folders of models.
void add_named_paths(const std::string& yaml, const std::string& folder, const fs::path& share,
                     std::set<std::string>& paths) {
  constexpr const char* kPathCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  const std::string start = folder + "/";
  for (size_t at = yaml.find(start); at != std::string::npos; at = yaml.find(start, at + 1)) {
    const size_t end = std::min(yaml.find_first_not_of(kPathCharacters, at), yaml.size());
    std::string path = yaml.substr(at, end - at);
    while (path.back() == '.' || path.back() == '/') path.pop_back();
    std::error_code ignored;
    if (path != folder && path.find("..") == std::string::npos && fs::exists(share / path, ignored))
      paths.insert(path);
  }
}

// Without comments.
std::string settings_part(const std::string& yaml) {
  std::string result;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);)
    result += line.substr(0, line.find('#')) + "\n";
  return result;
}

// Files to write and their bytes.
using Files = std::vector<std::pair<fs::path, std::string>>;

void add_files(const std::string& path, const fs::path& share, Files& files) {
  if (fs::is_regular_file(share / path)) {
    files.emplace_back(path, read_file(share / path));
    return;
  }
  for (const auto& entry : fs::recursive_directory_iterator(share / path))
    if (entry.is_regular_file())
      files.emplace_back(fs::relative(entry.path(), share), read_file(entry.path()));
}

// Nothing when a file is there with other bytes: it is the user's. Throws ConfigError, DiskError.
void write_files(const fs::path& directory, const Files& files) {
  for (const auto& [name, bytes] : files) {
    const fs::path file = directory / name;
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(file, ignored)) &&
        (!fs::is_regular_file(file, ignored) || read_file(file) != bytes))
      throw ConfigError(fmt::format(
          "{}: exists already and is not replaced; choose another --directory", file.string()));
  }
  for (const auto& [name, bytes] : files) {
    make_directories((directory / name).parent_path());
    write_file_atomic(directory / name, bytes);
  }
}

int run_init(const Flags& flags) {
  if (flags.list) return list_recipes();
  const fs::path share = share_directory();
  const std::vector<Recipe> recipes = all_recipes(share);
  const Recipe& recipe = find_recipe(recipes, flags.recipe);
  const std::string yaml = read_file(recipe.file);
  const fs::path name = recipe.file.filename();
  Files files = {{name, yaml}};
  if (yaml.find(kSchemaFile) != std::string::npos) files.emplace_back(kSchemaFile, schema_text());
  std::set<std::string> paths;
  for (const char* folder : {"data", "scripts"})
    add_named_paths(settings_part(yaml), folder, share, paths);
  for (const std::string& path : paths) add_files(path, share, files);
  write_files(flags.directory, files);

  std::string text;
  for (const auto& file : files)
    text += (fs::path(flags.directory) / file.first).lexically_normal().string() + "\n";
  const bool needs_quotes = flags.directory.find_first_of(" \t\"'$&;()<>|*?") != std::string::npos;
  const std::string quote = needs_quotes ? "'" : "";
  const std::string enter =
      flags.directory == "." ? "" : "cd " + quote + flags.directory + quote + " && ";
  print(text + fmt::format("Next: {}pgtrain validate --config {}\n"
                           "      pgtrain train --config {}\n",
                           enter, name.string(), name.string()));
  return kExitDone;
}

}  // namespace

void add_init_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "init", "Write a commented experiment that runs as it is, with the data that it needs");
  command->add_option("recipe", flags->recipe, "which one; see --list")->capture_default_str();
  command->add_flag("-l,--list", flags->list, "name all recipes and what each shows");
  command->add_option("-d,--directory", flags->directory, "where to; made when it is missing")
      ->capture_default_str();
  command->footer(
      "Nothing that exists is replaced. The starter comes with pgtrain.schema.json, by which "
      "editors complete and check keys.\n"
      "Examples:\n"
      "  pgtrain init --directory first\n"
      "  pgtrain init --list\n"
      "  pgtrain init story_endings --directory stories");
  command->callback([flags, &action] { action = [flags] { return run_init(*flags); }; });
}

}  // namespace pgtrain
