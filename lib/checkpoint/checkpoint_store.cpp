#include "checkpoint/checkpoint_store.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/manifest.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"

namespace pgtrain {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTemporaryMark = ".tmp-";
constexpr const char* kTrashPrefix = ".trash-";
constexpr uint64_t kMaxManifestBytes = 16 << 20;

// Warm-up comes before training: 0 and 1.
using Age = std::pair<int, int64_t>;

bool all_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Only what checkpoint_name gives is the name of a checkpoint.
std::optional<Age> parse_name(const std::string& name) {
  const size_t dash = name.find('-');
  if (dash == std::string::npos) return std::nullopt;
  const std::string kind = name.substr(0, dash);
  const std::string digits = name.substr(dash + 1);
  if ((kind != "warmup" && kind != "step") || !all_digits(digits) || digits.size() > 18)
    return std::nullopt;
  const int64_t step = std::stoll(digits);
  if (digits != fmt::format("{:06}", step)) return std::nullopt;
  return Age(kind == "step" ? 1 : 0, step);
}

bool is_leftover(const std::string& name) {
  if (name == "latest.tmp" || name == "best.tmp") return true;
  if (name.rfind(kTrashPrefix, 0) == 0) return true;
  const size_t mark = name.find(kTemporaryMark);
  return mark != std::string::npos && parse_name(name.substr(0, mark)) &&
         all_digits(name.substr(mark + std::strlen(kTemporaryMark)));
}

bool is_real_directory(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::directory;
}

// The names in a folder, sorted; empty when it does not exist. Throws `Failure` when it cannot be
// read.
template <class Failure>
std::vector<std::string> entries(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    throw Failure(
        fmt::format("{}: cannot read the folder: {}", directory.string(), error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw DiskError(fmt::format("{}: cannot remove: {}", path.string(), error.message()));
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    throw DiskError(fmt::format("{}: cannot rename to {}: {}", from.string(), to.string(),
                                std::strerror(errno)));
}

void sync_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    throw DiskError(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  const bool failed = ::fsync(fd) != 0;
  const std::string reason = std::strerror(errno);
  ::close(fd);
  if (failed) throw DiskError(fmt::format("{}: cannot flush to disk: {}", path.string(), reason));
}

// Fsyncs what write_files left in the folder and adds the manifest.
void seal(const fs::path& folder, const std::string& version) {
  Manifest manifest;
  manifest.version = version;
  for (const std::string& name : entries<DiskError>(folder)) {
    const fs::path path = folder / name;
    PG_CHECK(fs::symlink_status(path).type() == fs::file_type::regular && name != kManifestName,
             "{} has no place in a checkpoint", path.string());
    sync_file(path);
    try {
      manifest.files[name] = digest_file(path);
    } catch (const DataError& e) {
      throw DiskError(fmt::format("just written, cannot be read back: {}", e.what()));
    }
  }
  PG_CHECK(!manifest.files.empty(), "no files were written into {}", folder.string());
  const std::string text = format_manifest(manifest);
  OutputFile file(folder / kManifestName);
  file.write(text.data(), text.size());
  file.close();
  sync_directory(folder);
}

fs::path trash_path(const fs::path& directory, const std::string& name) {
  return directory / fmt::format("{}{}-{}", kTrashPrefix, name, ::getpid());
}

// Puts the sealed folder in the place of `final`; what stood there is left at `temporary` or in the
// trash.
void install(const fs::path& temporary, const fs::path& final) {
  if (!is_real_directory(final)) return rename_or_throw(temporary, final);
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, final.c_str(), RENAME_EXCHANGE) == 0)
    return;
  const fs::path aside = trash_path(final.parent_path(), final.filename().string());
  remove_tree(aside);
  rename_or_throw(final, aside);
  try {
    rename_or_throw(temporary, final);
  } catch (const DiskError&) {
    rename_or_throw(aside, final);
    throw;
  }
}

// For places where a failure must not hide another error or stop the run.
void remove_quietly(const fs::path& path) {
  try {
    remove_tree(path);
  } catch (const DiskError& e) {
    spdlog::warn("{}", e.what());
  }
}

// What is wrong with one file of a checkpoint; "" when nothing is.
std::string file_problem(const fs::path& path, const FileDigest& expected) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  if (type == fs::file_type::not_found) return "is missing";
  if (type != fs::file_type::regular) return "is not a plain file";
  const uint64_t bytes = fs::file_size(path, error);
  if (error) return "cannot be read: " + error.message();
  if (bytes != expected.bytes)
    return fmt::format("has {} bytes, written were {}", bytes, expected.bytes);
  try {
    if (digest_file(path).sha256 != expected.sha256)
      return "was changed: its SHA-256 is not the one written";
  } catch (const DataError&) {
    return "cannot be read";
  }
  return "";
}

bool verifies(const fs::path& checkpoint) {
  try {
    CheckpointStore::verify(checkpoint);
    return true;
  } catch (const DataError& e) {
    spdlog::warn("checkpoint not used: {}", e.what());
    return false;
  }
}

}  // namespace

std::string checkpoint_name(const std::string& phase, int64_t step) {
  PG_CHECK((phase == "warmup" || phase == "train") && step >= 0, "phase {}, step {}", phase, step);
  return fmt::format("{}-{:06}", phase == "train" ? "step" : phase, step);
}

CheckpointStore::CheckpointStore(fs::path directory, std::string version)
    : directory_(std::move(directory)), version_(std::move(version)) {}

fs::path CheckpointStore::save(const std::string& name,
                               const std::function<void(const fs::path&)>& write_files) {
  PG_CHECK(parse_name(name), "checkpoint name {}", name);
  make_directories(directory_);
  fs::path final = directory_ / name;
  const fs::path temporary = directory_ / fmt::format("{}{}{}", name, kTemporaryMark, ::getpid());
  remove_tree(temporary);
  make_directories(temporary);
  try {
    write_files(temporary);
    seal(temporary, version_);
    install(temporary, final);
    sync_directory(directory_);
  } catch (const fs::filesystem_error& e) {
    remove_quietly(temporary);
    throw DiskError(e.what());
  } catch (...) {
    remove_quietly(temporary);
    throw;
  }
  remove_quietly(temporary);
  remove_quietly(trash_path(directory_, name));
  return final;
}

void CheckpointStore::verify(const fs::path& checkpoint) {
  const std::string where = checkpoint.string();
  if (!is_real_directory(checkpoint))
    throw DataError(where + ": there is no such checkpoint folder");
  const fs::path manifest_path = checkpoint / kManifestName;
  std::error_code error;
  if (fs::symlink_status(manifest_path, error).type() != fs::file_type::regular)
    throw DataError(
        fmt::format("{}: is missing: the checkpoint is not complete", manifest_path.string()));
  const Manifest manifest =
      parse_manifest(read_file(manifest_path, kMaxManifestBytes), manifest_path.string());
  std::string problems;
  for (const auto& [name, digest] : manifest.files) {
    const std::string problem = file_problem(checkpoint / name, digest);
    if (!problem.empty()) problems += fmt::format("\n  {} {}", name, problem);
  }
  for (const std::string& name : entries<DataError>(checkpoint))
    if (name != kManifestName && manifest.files.count(name) == 0)
      problems += fmt::format("\n  {} is not in the manifest", name);
  if (!problems.empty()) throw DataError(fmt::format("{}: is damaged:{}", where, problems));
}

void CheckpointStore::point(const std::string& link, const std::string& name) {
  PG_CHECK(link == "latest" || link == "best", "link {}", link);
  PG_CHECK(parse_name(name) && is_real_directory(directory_ / name), "no checkpoint {} to point to",
           name);
  replace_link(name, directory_ / link);
}

std::optional<std::string> CheckpointStore::target(const std::string& link) const {
  PG_CHECK(link == "latest" || link == "best", "link {}", link);
  std::error_code error;
  const std::string name = fs::read_symlink(directory_ / link, error).string();
  if (error || !parse_name(name) || !is_real_directory(directory_ / name)) return std::nullopt;
  return name;
}

std::optional<fs::path> CheckpointStore::latest() const {
  std::vector<std::string> names = list();
  if (names.empty()) return std::nullopt;
  std::reverse(names.begin(), names.end());
  if (const auto linked = target("latest")) {
    const auto place = std::find(names.begin(), names.end(), *linked);
    std::rotate(names.begin(), place, place + 1);
  } else {
    spdlog::warn("{}: the link `latest` is missing or wrong; looking for the newest checkpoint",
                 directory_.string());
  }
  for (const std::string& name : names)
    if (verifies(directory_ / name)) return directory_ / name;
  throw DataError(
      fmt::format("{}: none of the {} checkpoints verifies; move the folder away to start anew",
                  directory_.string(), names.size()));
}

std::vector<std::string> CheckpointStore::list() const {
  std::vector<std::pair<Age, std::string>> found;
  for (const std::string& name : entries<DataError>(directory_)) {
    const auto age = parse_name(name);
    if (age && is_real_directory(directory_ / name)) found.emplace_back(*age, name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& item : found) names.push_back(std::move(item.second));
  return names;
}

void CheckpointStore::retain(int64_t keep_last, const std::vector<std::string>& protected_names) {
  PG_CHECK(keep_last >= 1, "keep_last is {}", keep_last);
  std::vector<std::string> old = list();
  if (old.empty()) return;
  const std::string newest = target("latest").value_or(old.back());
  std::set<std::string> keep(protected_names.begin(), protected_names.end());
  if (const auto best = target("best")) keep.insert(*best);
  const auto counted = std::find(old.begin(), old.end(), newest) - old.begin() + 1;
  old.resize(static_cast<size_t>(std::max<int64_t>(0, counted - keep_last)));
  old.erase(std::remove_if(old.begin(), old.end(),
                           [&](const auto& name) { return keep.count(name) != 0; }),
            old.end());
  if (old.empty()) return;
  try {
    verify(directory_ / newest);
  } catch (const DataError& e) {
    throw DiskError(fmt::format(
        "the newest checkpoint does not read back as written, no older one is deleted: {}",
        e.what()));
  }
  for (const std::string& name : old) {
    const fs::path trash = trash_path(directory_, name);
    try {
      remove_tree(trash);
      rename_or_throw(directory_ / name, trash);
      sync_directory(directory_);
      remove_tree(trash);
    } catch (const DiskError& e) {
      spdlog::warn("an old checkpoint stays: {}", e.what());
    }
  }
}

void CheckpointStore::clean() {
  for (const std::string& name : entries<DiskError>(directory_))
    if (is_leftover(name)) remove_tree(directory_ / name);
}

}  // namespace pgtrain
