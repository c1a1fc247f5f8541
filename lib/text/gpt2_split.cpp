#include "text/gpt2_split.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdint>

namespace pgtrain {
namespace {

enum class Class { kSpace, kLetter, kNumber, kOther };

Class class_of(UChar32 c) {
  if (c < 0) return Class::kOther;  // not UTF-8
  if (u_isUWhiteSpace(c) != 0) return Class::kSpace;
  const uint32_t category = U_MASK(u_charType(c));
  if ((category & U_GC_L_MASK) != 0) return Class::kLetter;
  return (category & U_GC_N_MASK) != 0 ? Class::kNumber : Class::kOther;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  // End of the match that begins at `begin`, which is before the end of the text.
  size_t match(size_t begin) const {
    if (const size_t end = contraction(begin)) return end;
    // The space belongs to what follows it, unless that is space, too.
    const size_t first = text_[begin] == ' ' && begin + 1 < text_.size() ? begin + 1 : begin;
    const Class kind = at(first).kind;
    if (kind != Class::kSpace) return run(first, kind);
    return space(begin);
  }

 private:
  struct Character {
    Class kind;
    size_t end;
  };

  Character at(size_t offset) const {
    int64_t next = static_cast<int64_t>(offset);
    UChar32 c = 0;
    U8_NEXT(text_.data(), next, static_cast<int64_t>(text_.size()), c);
    if (c < 0) return {Class::kOther, offset + 1};
    return {class_of(c), static_cast<size_t>(next)};
  }

  // End of 's 't 're 've 'm 'll 'd at `begin`; 0 when there is none.
  size_t contraction(size_t begin) const {
    if (text_[begin] != '\'') return 0;
    for (const std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"})
      if (text_.substr(begin + 1, ending.size()) == ending) return begin + 1 + ending.size();
    return 0;
  }

  size_t run(size_t offset, Class kind) const {
    while (offset < text_.size()) {
      const Character c = at(offset);
      if (c.kind != kind) break;
      offset = c.end;
    }
    return offset;
  }

  // A run of space keeps its last character for what follows, if anything does and the run is
  // longer than one.
  size_t space(size_t begin) const {
    size_t last = begin;
    size_t end = begin;
    while (end < text_.size()) {
      const Character c = at(end);
      if (c.kind != Class::kSpace) return last == begin ? end : last;
      last = end;
      end = c.end;
    }
    return end;
  }

  std::string_view text_;
};

}  // namespace

void gpt2_split(std::string_view text, const std::function<void(std::string_view)>& piece) {
  const Splitter splitter(text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = splitter.match(begin);
    piece(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace pgtrain
