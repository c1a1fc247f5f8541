#include "checkpoint/manifest.h"

#include "checkpoint/strict_json.h"
#include "core/error.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kSchema = 1;

// Everything up to the digits of the manifest's own hash, which stand before kTail.
std::string text_before_hash(const Manifest& manifest) {
  std::string text = fmt::format("{{\n  \"schema\": {},\n  \"pgtrain\": {},\n  \"files\": {{",
                                 kSchema, Json(manifest.version).dump());
  const char* separator = "\n";
  for (const auto& [name, digest] : manifest.files) {
    text += fmt::format("{}    {}: {{\"bytes\": {}, \"sha256\": \"{}\"}}", separator,
                        Json(name).dump(), digest.bytes, digest.sha256);
    separator = ",\n";
  }
  return text + "\n  },\n  \"manifest_sha256\": \"";
}

constexpr const char* kTail = "\"\n}\n";

const Json& member(const Json& object, const char* key, const std::string& file) {
  if (!object.is_object() || !object.contains(key))
    throw DataError(fmt::format("{}: \"{}\" is missing", file, key));
  return object[key];
}

std::string text_member(const Json& object, const char* key, const std::string& file) {
  const Json& value = member(object, key, file);
  if (!value.is_string()) throw DataError(fmt::format("{}: \"{}\" must be a text", file, key));
  return value.get<std::string>();
}

uint64_t count_member(const Json& object, const char* key, const std::string& file) {
  const Json& value = member(object, key, file);
  if (!value.is_number_unsigned())
    throw DataError(fmt::format("{}: \"{}\" must be an integer of at least 0", file, key));
  return value.get<uint64_t>();
}

}  // namespace

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\0", 2)) == std::string::npos;
}

std::string format_manifest(const Manifest& manifest) {
  const std::string text = text_before_hash(manifest);
  return text + sha256(text + kTail) + kTail;
}

Manifest parse_manifest(const std::string& text, const std::string& file) {
  const Json json = parse_strict_json(text, file);
  const uint64_t schema = count_member(json, "schema", file);
  if (schema != kSchema)
    throw DataError(
        fmt::format("{}: \"schema\" is {}, this pgtrain reads {}", file, schema, kSchema));
  Manifest manifest;
  manifest.version = text_member(json, "pgtrain", file);
  for (const auto& item : member(json, "files", file).items()) {
    if (!is_plain_file_name(item.key()) || item.key() == kManifestName)
      throw DataError(fmt::format("{}: {} is not the name of a file in the checkpoint", file,
                                  Json(item.key()).dump()));
    manifest.files[item.key()] = {count_member(item.value(), "bytes", file),
                                  text_member(item.value(), "sha256", file)};
  }
  if (format_manifest(manifest) != text)
    throw DataError(file + ": was changed after it was written (its own hash does not fit)");
  return manifest;
}

}  // namespace pgtrain
