// Normalizers of tokenizer.json: what is done to the text before it is cut into words.
#pragma once

#include <memory>
#include <string>

#include "text/json_view.h"

namespace pgtrain {

struct NormalizedText {
  std::string text;  // valid UTF-8
  // The first character comes from the very beginning of what was given to encode: what Metaspace's
  // scheme "first" asks for.
  bool at_origin = true;
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(NormalizedText& text) const = 0;
};

// NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Nmt, Precompiled,
// BertNormalizer, ByteLevel and Sequence. Throws DataError for another type or a wrong member.
std::unique_ptr<Normalizer> read_normalizer(const JsonView& json);

}  // namespace pgtrain
