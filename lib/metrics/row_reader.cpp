#include "metrics/row_reader.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxMembers = 4096;
constexpr size_t kMaxLine = size_t{16} << 20;
constexpr size_t kChunk = size_t{1} << 18;

void set_member(Row& row, const std::string& name, const nlohmann::ordered_json& value,
                const std::string& place) {
  if (value.is_string())
    row.set(name, value.get_ref<const std::string&>());
  else if (value.is_boolean())
    row.set(name, value.get<bool>() ? 1 : 0);
  else if (value.is_number_unsigned() &&
           value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})
    row.set(name, value.get<double>());
  else if (value.is_number_integer())
    row.set(name, value.get<int64_t>());
  else if (value.is_number())
    row.set(name, value.get<double>());
  else if (value.is_null())
    row.set(name, std::numeric_limits<double>::quiet_NaN());
  else if (name != "nonfinite")
    throw DataError(fmt::format("{}: '{}' must be a number, a text or null", place, name));
}

}  // namespace

Row parse_row(const std::string& line, const std::string& place) {
  // No value of a row is nested, so nothing of a deeply nested one is worth keeping.
  const auto depth_limit = [&place](int depth, nlohmann::ordered_json::parse_event_t,
                                    nlohmann::ordered_json&) {
    if (depth > 8) throw DataError(place + ": nested more than 8 levels deep");
    return true;
  };
  const auto object = nlohmann::ordered_json::parse(line, depth_limit, false);
  if (object.is_discarded()) throw DataError(place + ": is not JSON");
  if (!object.is_object()) throw DataError(place + ": is not a JSON object");
  if (object.size() > kMaxMembers)
    throw DataError(fmt::format("{}: more than {} members", place, kMaxMembers));
  Row row;
  for (const auto& [name, value] : object.items()) set_member(row, name, value, place);
  return row;
}

uint64_t read_rows(const std::filesystem::path& path, uint64_t offset,
                   const std::function<void(const Row&)>& see) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::not_found) return offset;
  if (type != std::filesystem::file_type::regular)
    throw DataError(path.string() + ": is not a plain file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path.string() + ": cannot be read");
  if (std::filesystem::file_size(path, error) < offset)
    throw DataError(path.string() + ": was cut while it was read");
  file.seekg(static_cast<std::streamoff>(offset));
  std::string chunk(kChunk, '\0');
  std::string line;
  int64_t number = 0;
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    std::string_view rest(chunk.data(), static_cast<size_t>(file.gcount()));
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line.append(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      see(parse_row(line, fmt::format("{}:{}", path.string(), ++number)));
      offset += line.size() + 1;
      line.clear();
    }
    line.append(rest);
    if (line.size() > kMaxLine)
      throw DataError(fmt::format("{}:{}: a line of more than 16 MiB", path.string(), number + 1));
  }
  return offset;
}

}  // namespace pgtrain
