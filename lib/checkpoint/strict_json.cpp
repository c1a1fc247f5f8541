#include "checkpoint/strict_json.h"

#include <set>
#include <vector>

#include "core/error.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 16;

}  // namespace

Json parse_strict_json(const std::string& text, const std::string& file) {
  // nlohmann takes a zero byte for the end of the text.
  if (text.find('\0') != std::string::npos) throw DataError(file + ": holds a zero byte");
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if (depth > kMaxDepth)
      throw DataError(fmt::format("{}: more than {} levels deep", file, kMaxDepth));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      throw DataError(fmt::format("{}: {} stands there twice", file, value.dump()));
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& e) {
    throw DataError(fmt::format("{}: is not valid JSON (byte {})", file, e.byte));
  } catch (const Json::exception& e) {
    throw DataError(fmt::format("{}: is not valid JSON: {}", file, e.what()));
  }
}

}  // namespace pgtrain
