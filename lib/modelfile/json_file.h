// JSON of model folders: not written by us, so bounded and strict.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace pgtrain {

constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;

// Throws DataError that begins with `file`: not JSON, not an object, a repeated key, a zero byte,
// more than 64 levels deep.
nlohmann::json parse_json_object(const std::string& text, const std::string& file);

// The bytes of a plain file; throws DataError as read_file does, and for pipes and devices.
std::string read_plain_file(const std::filesystem::path& path, uint64_t max_bytes);

// parse_json_object of such a file.
nlohmann::json read_json_object(const std::filesystem::path& path, uint64_t max_bytes);

// The member, checked; each throws DataError "FILE: "key" must be ...". The first form of each
// throws when the key is absent or null, the second gives `fallback`.
int64_t json_integer(const nlohmann::json& object, const std::string& key, const std::string& file,
                     int64_t lowest, int64_t highest);
bool json_bool(const nlohmann::json& object, const std::string& key, const std::string& file,
               bool fallback);
double json_number(const nlohmann::json& object, const std::string& key, const std::string& file);
double json_number(const nlohmann::json& object, const std::string& key, const std::string& file,
                   double fallback);
std::string json_string(const nlohmann::json& object, const std::string& key,
                        const std::string& file);
std::string json_string(const nlohmann::json& object, const std::string& key,
                        const std::string& file, const std::string& fallback);

}  // namespace pgtrain
