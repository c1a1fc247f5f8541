// Pre-tokenizers of tokenizer.json: how normalized text is cut into the pieces that the model sees.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_view.h"

namespace pgtrain {

// Pieces of text, one after the other; none is empty.
class PieceList {
 public:
  explicit PieceList(bool at_origin = true) : at_origin_(at_origin) {}

  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  // Piece 0 begins where the text given to encode begins.
  bool at_origin() const { return at_origin_; }

  // Adds a piece; an empty one is left out.
  void add(std::string_view piece) {
    text_ += piece;
    end_piece();
  }
  // The piece under construction, and its end.
  std::string& open() { return text_; }
  void end_piece() {
    if (text_.size() > (ends_.empty() ? 0 : ends_.back())) ends_.push_back(text_.size());
  }
  void lose_origin() { at_origin_ = false; }

 private:
  std::string text_;
  std::vector<size_t> ends_;
  bool at_origin_;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual PieceList apply(const PieceList& pieces) const = 0;
};

// ByteLevel, Split, Metaspace, Digits, Whitespace, WhitespaceSplit, Punctuation,
// CharDelimiterSplit, BertPreTokenizer and Sequence. Throws DataError for another type or a wrong
// member.
std::unique_ptr<PreTokenizer> read_pre_tokenizer(const JsonView& json);

// Metaspace's members, which its decoder shares.
struct MetaspaceOptions {
  enum class Prepend { kAlways, kFirst, kNever };
  std::string replacement = "\xE2\x96\x81";  // one code point
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};
MetaspaceOptions read_metaspace(const JsonView& json);

}  // namespace pgtrain
