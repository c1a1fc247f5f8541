#include "config/section.h"
#include "text/tokenizer.h"

namespace pgtrain {

void describe(Section& s, TokenizerOptions& o) {
  s.choice("kind", o.kind, {"char", "byte", "word"}, "what a token is");
  s.field("vocab_size", o.vocab_size,
          "upper limit of the vocabulary with special tokens; 0 = all that occurs in the texts",
          at_least(0));
}

}  // namespace pgtrain
