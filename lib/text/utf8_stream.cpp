#include "text/utf8_stream.h"

#include <utility>

#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

// Whether the bytes are the beginning of a longer well-formed sequence: they are when the smallest
// or the largest continuation bytes complete them.
bool is_beginning(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes.front());
  if (lead < 0xC2 || lead > 0xF4) return false;
  const size_t length = utf8_length(bytes.front());
  if (bytes.size() >= length) return false;
  for (const char filler : {'\x80', '\xBF'}) {
    std::string whole(bytes);
    whole.resize(length, filler);
    if (find_invalid_utf8(whole) == std::string::npos) return true;
  }
  return false;
}

size_t unfinished_bytes(std::string_view bytes) {
  for (size_t count = 1; count <= 3 && count <= bytes.size(); ++count)
    if (is_beginning(bytes.substr(bytes.size() - count))) return count;
  return 0;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  const size_t certain = pending_.size() - unfinished_bytes(pending_);
  std::string text = replace_invalid_utf8(std::string_view(pending_).substr(0, certain));
  pending_.erase(0, certain);
  return text;
}

std::string Utf8Stream::finish() { return replace_invalid_utf8(std::exchange(pending_, {})); }

}  // namespace pgtrain
