// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgtrain {

std::string encode_base64(std::string_view bytes);
// Nothing when the text is not the encoding of any bytes.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace pgtrain
