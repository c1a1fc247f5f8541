#include "reward/word_list.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/files.h"
#include "text/characters.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

// NFKC_Casefold with every run of white space as one space and none at the ends.
std::u32string fold(std::u32string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  const auto source = icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                                    static_cast<int32_t>(text.size()));
  const icu::UnicodeString folded = normalizer->normalize(source, status);
  if (U_FAILURE(status))
    throw Error(fmt::format("Unicode normalisation failed: {}", u_errorName(status)));
  std::u32string result;
  for (int32_t i = 0; i < folded.length(); i = folded.moveIndex32(i, 1)) {
    const auto c = static_cast<char32_t>(folded.char32At(i));
    if (c >= 0x300 && c <= 0x36F) continue;  // marks laid over letters that have no composed form
    if (!is_space(c))
      result += c;
    else if (!result.empty() && result.back() != U' ')
      result += U' ';
  }
  if (!result.empty() && result.back() == U' ') result.pop_back();
  return result;
}

// In scripts written without spaces a word may begin or end anywhere. '_' is left out: it marks
// emphasis around words.
bool is_part_of_word(char32_t c) {
  return is_letter_mark_or_number(c) && !is_ideograph_or_kana(c) &&
         u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_LINE_BREAK) != U_LB_COMPLEX_CONTEXT;
}

// A word may begin or end before text[at]: not between two letters, nor beside an apostrophe
// between two ("can't").
bool is_boundary(std::u32string_view text, size_t at) {
  const auto is_word = [&](size_t i) { return i < text.size() && is_part_of_word(text[i]); };
  if (at == 0 || at == text.size()) return true;
  if (is_apostrophe(text[at])) return !(is_word(at - 1) && is_word(at + 1));
  if (is_apostrophe(text[at - 1])) return !(at >= 2 && is_word(at - 2) && is_word(at));
  return !is_word(at - 1) || !is_word(at);
}

uint64_t edge(uint32_t node, char32_t letter) { return (uint64_t{node} << 32) | letter; }

}  // namespace

WordList::WordList(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) add(entry);
}

WordList WordList::from_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    throw DataError(fmt::format("{}: is not a plain file", path));
  const std::string bytes = read_file(path, kMaxFileBytes);
  std::vector<std::string> entries;
  size_t line = 1;
  for (size_t at = 0; at < bytes.size(); ++line) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string text = bytes.substr(at, end - at);
    at = end + 1;
    if (find_invalid_utf8(text) != std::string::npos)
      throw DataError(fmt::format("{}:{}: is not UTF-8", path, line));
    const std::u32string decoded = decode_utf8(text);
    const auto entry =
        strip(line == 1 && decoded.rfind(U'\uFEFF', 0) == 0 ? std::u32string_view(decoded).substr(1)
                                                            : decoded);
    if (!entry.empty() && entry[0] != U'#') entries.push_back(encode_utf8(entry));
  }
  WordList list(entries);
  if (list.size() == 0) throw DataError(fmt::format("{}: lists no word", path));
  return list;
}

void WordList::add(const std::string& entry) {
  const std::u32string letters = fold(decode_utf8_lossy(entry));
  if (letters.empty()) return;
  uint32_t node = 0;
  for (const char32_t letter : letters) {
    const auto [found, is_new] =
        edges_.emplace(edge(node, letter), static_cast<uint32_t>(entry_at_.size()));
    if (is_new) entry_at_.push_back(-1);
    node = found->second;
  }
  if (entry_at_[node] >= 0) return;  // the same word in another form
  entry_at_[node] = static_cast<int64_t>(entries_.size());
  entries_.push_back(entry);
}

uint32_t WordList::child(uint32_t node, char32_t letter) const {
  const auto found = edges_.find(edge(node, letter));
  return found == edges_.end() ? 0 : found->second;
}

std::vector<std::string> WordList::find(std::u32string_view text) const {
  const std::u32string folded = fold(text);
  std::vector<bool> seen(entries_.size());
  std::vector<std::string> found;
  for (size_t begin = 0; begin < folded.size(); ++begin) {
    if (!is_boundary(folded, begin)) continue;
    uint32_t node = 0;
    for (size_t end = begin; end < folded.size(); ++end) {
      node = child(node, folded[end]);
      if (node == 0) break;
      const int64_t entry = entry_at_[node];
      if (entry < 0 || seen[static_cast<size_t>(entry)] || !is_boundary(folded, end + 1)) continue;
      seen[static_cast<size_t>(entry)] = true;
      found.push_back(entries_[static_cast<size_t>(entry)]);
    }
  }
  return found;
}

}  // namespace pgtrain
