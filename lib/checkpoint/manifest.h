// manifest.json: what a checkpoint folder must hold. The format is described in checkpoint_store.h.
#pragma once

#include <map>
#include <string>

#include "core/hash.h"

namespace pgtrain {

constexpr const char* kManifestName = "manifest.json";

struct Manifest {
  std::string version;                      // of the pgtrain that wrote it
  std::map<std::string, FileDigest> files;  // by name, without the manifest itself
};

std::string format_manifest(const Manifest& manifest);

// Throws DataError that begins with `file`. Every text but those of format_manifest is refused, so
// that any changed byte shows; so is a file name that is not plain (see is_plain_file_name).
Manifest parse_manifest(const std::string& text, const std::string& file);

// Names a file inside its folder: not empty, no '/', no zero byte, neither "." nor "..".
bool is_plain_file_name(const std::string& name);

}  // namespace pgtrain
