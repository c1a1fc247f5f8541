#include "modelfile/json_file.h"

#include <cmath>
#include <system_error>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "modelfile/tensor_header.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;

bool is_given(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

[[noreturn]] void refuse(const Json& object, const std::string& key, const std::string& file,
                         const std::string& needed) {
  const auto found = object.find(key);
  if (found == object.end())
    throw DataError(fmt::format("{}: {} is missing, it must be {}", file, printable(key), needed));
  std::string text = found->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 80) + "...";
  throw DataError(fmt::format("{}: {} is {}, it must be {}", file, printable(key), text, needed));
}

}  // namespace

Json parse_json_object(const std::string& text, const std::string& file) {
  // nlohmann takes a zero byte for the end of the text.
  if (text.find('\0') != std::string::npos)
    throw DataError(fmt::format("{}: is not valid JSON (holds a zero byte)", file));
  std::vector<std::unordered_set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if (depth > kMaxDepth)
      throw DataError(fmt::format("{}: more than {} levels deep", file, kMaxDepth));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get_ref<const std::string&>()).second)
      throw DataError(fmt::format("{}: the key {} stands there twice", file,
                                  printable(value.get_ref<const std::string&>())));
    return true;
  };
  Json json;
  try {
    json = Json::parse(text, check);
  } catch (const Json::parse_error& e) {
    throw DataError(fmt::format("{}: is not valid JSON (byte {})", file, e.byte));
  } catch (const Json::exception& e) {
    throw DataError(fmt::format("{}: is not valid JSON: {}", file, e.what()));
  }
  if (!json.is_object()) throw DataError(fmt::format("{}: must hold a JSON object", file));
  return json;
}

std::string read_plain_file(const std::filesystem::path& path, uint64_t max_bytes) {
  std::error_code error;
  // A named pipe would make us wait for ever.
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    throw DataError(fmt::format("{}: is not a plain file", path.string()));
  return read_file(path, max_bytes);
}

Json read_json_object(const std::filesystem::path& path, uint64_t max_bytes) {
  return parse_json_object(read_plain_file(path, max_bytes), path.string());
}

int64_t json_integer(const Json& object, const std::string& key, const std::string& file,
                     int64_t lowest, int64_t highest) {
  const std::string needed = fmt::format("an integer from {} to {}", lowest, highest);
  if (!is_given(object, key) || !object[key].is_number_integer())
    refuse(object, key, file, needed);
  const Json& value = object[key];
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
                        : true;
  if (!fits || value.get<int64_t>() < lowest || value.get<int64_t>() > highest)
    refuse(object, key, file, needed);
  return value.get<int64_t>();
}

bool json_bool(const Json& object, const std::string& key, const std::string& file, bool fallback) {
  if (!is_given(object, key)) return fallback;
  if (!object[key].is_boolean()) refuse(object, key, file, "true or false");
  return object[key].get<bool>();
}

double json_number(const Json& object, const std::string& key, const std::string& file) {
  if (!is_given(object, key) || !object[key].is_number() ||
      !std::isfinite(object[key].get<double>()))
    refuse(object, key, file, "a number");
  return object[key].get<double>();
}

double json_number(const Json& object, const std::string& key, const std::string& file,
                   double fallback) {
  return is_given(object, key) ? json_number(object, key, file) : fallback;
}

std::string json_string(const Json& object, const std::string& key, const std::string& file) {
  if (!is_given(object, key) || !object[key].is_string()) refuse(object, key, file, "a text");
  return object[key].get<std::string>();
}

std::string json_string(const Json& object, const std::string& key, const std::string& file,
                        const std::string& fallback) {
  return is_given(object, key) ? json_string(object, key, file) : fallback;
}

}  // namespace pgtrain
