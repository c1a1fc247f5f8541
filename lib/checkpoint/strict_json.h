// JSON that we wrote ourselves and read back strictly.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pgtrain {

// Throws DataError that begins with `file`: not JSON, a repeated key, a zero byte, more than 16
// levels deep.
nlohmann::json parse_strict_json(const std::string& text, const std::string& file);

}  // namespace pgtrain
