#include "text/charsmap.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <memory>

#include "core/error.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

constexpr size_t kClusterBytes = 6;  // clusters of this size and more are not looked up whole

bool has_value(uint32_t unit) { return ((unit >> 8) & 1U) != 0; }
uint32_t label(uint32_t unit) { return unit & ((1U << 31) | 0xFFU); }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }

uint32_t read_u32(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(bytes[at + i]); };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

// Calls visit(begin, end) for each extended grapheme cluster.
template <class Visit>
void for_each_cluster(std::string_view text, Visit visit) {
  UErrorCode status = U_ZERO_ERROR;
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &status);
  const std::unique_ptr<UBreakIterator, void (*)(UBreakIterator*)> breaks(
      ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status), ubrk_close);
  ubrk_setUText(breaks.get(), &utext, &status);
  PG_CHECK(U_SUCCESS(status), "grapheme clusters: {}", u_errorName(status));
  for (int32_t begin = 0, end; (end = ubrk_next(breaks.get())) != UBRK_DONE; begin = end)
    visit(static_cast<size_t>(begin), static_cast<size_t>(end));
  utext_close(&utext);
}

bool is_ascii(std::string_view text) {
  for (char byte : text)
    if (static_cast<unsigned char>(byte) >= 0x80) return false;
  return true;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& source) {
  const auto fail = [&](const char* problem) {
    throw DataError(fmt::format("{}: precompiled_charsmap: {}", source, problem));
  };
  if (bytes.size() < 4) fail("is shorter than its head");
  const uint32_t trie_bytes = read_u32(bytes, 0);
  if (trie_bytes % 4 != 0 || trie_bytes > bytes.size() - 4)
    fail("the size of its trie does not fit its own");
  for (size_t at = 4; at < 4 + size_t{trie_bytes}; at += 4) trie_.push_back(read_u32(bytes, at));
  replacements_ = std::string(bytes.substr(4 + size_t{trie_bytes}));
  if (find_invalid_utf8(replacements_) != std::string::npos)
    fail("its replacements are not valid UTF-8");
}

std::optional<std::string_view> Charsmap::find(std::string_view chunk) const {
  if (trie_.empty()) return std::nullopt;
  size_t node = offset(trie_[0]);
  for (char byte : chunk) {
    const auto key = static_cast<unsigned char>(byte);
    if (key == 0) return std::nullopt;
    node ^= key;
    if (node >= trie_.size() || label(trie_[node]) != key) return std::nullopt;
    const uint32_t unit = trie_[node];
    node ^= offset(unit);
    if (!has_value(unit)) continue;
    if (node >= trie_.size()) return std::nullopt;
    const size_t begin = trie_[node] & ~(1U << 31);
    if (begin > replacements_.size()) return std::nullopt;
    // A position inside of a code point would make text that is not UTF-8.
    if (begin < replacements_.size() &&
        (static_cast<unsigned char>(replacements_[begin]) & 0xC0U) == 0x80U)
      return std::nullopt;
    const size_t end = replacements_.find('\0', begin);
    return std::string_view(replacements_)
        .substr(begin, end == std::string::npos ? end : end - begin);
  }
  return std::nullopt;
}

void Charsmap::append(std::string& out, std::string_view cluster) const {
  if (cluster.size() < kClusterBytes) {
    if (const auto replacement = find(cluster)) {
      out += *replacement;
      return;
    }
  }
  for (size_t at = 0; at < cluster.size();) {
    const std::string_view part = cluster.substr(at, utf8_length(cluster[at]));
    out += find(part).value_or(part);
    at += part.size();
  }
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  if (is_ascii(text) && text.find('\r') == std::string_view::npos) {
    for (size_t at = 0; at < text.size(); ++at) append(out, text.substr(at, 1));
    return out;
  }
  for_each_cluster(text,
                   [&](size_t begin, size_t end) { append(out, text.substr(begin, end - begin)); });
  return out;
}

}  // namespace pgtrain
