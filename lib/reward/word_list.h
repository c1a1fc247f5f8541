// A list of words and phrases to look for in texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgtrain {

// Entries and texts are compared in Unicode's NFKC_Casefold form without the combining marks U+0300
// to U+036F that this form leaves alone, so that case, width, invisible characters and strokes
// through letters do not matter; letters that only look alike (Cyrillic for Latin) and digits for
// letters do. An entry is found only as whole words: letters, marks or digits may neither precede
// nor follow it, nor an apostrophe between letters, except in scripts that write without spaces
// (ideographs, kana, Thai and its like), where every character stands by itself. White space inside
// a phrase matches any white space. Const members may be called from several threads.
class WordList {
 public:
  explicit WordList(const std::vector<std::string>& entries);

  // The file's lines, each an entry; empty lines and those that begin with # are left out. Throws
  // DataError: not readable, not UTF-8 (with the line), no entry.
  static WordList from_file(const std::string& path);

  // The entries that occur, each once, in the order of their first appearance.
  std::vector<std::string> find(std::u32string_view text) const;

  size_t size() const { return entries_.size(); }

 private:
  void add(const std::string& entry);
  uint32_t child(uint32_t node, char32_t letter) const;

  std::vector<std::string> entries_;
  std::unordered_map<uint64_t, uint32_t> edges_;  // (node, letter) -> node; 0 is the root
  std::vector<int64_t> entry_at_ = {-1};          // entry that ends in a node, -1 = none
};

}  // namespace pgtrain
