#include "config/section.h"
#include "text/tokenizer.h"

namespace pgtrain {

void describe(Section& s, TokenizerOptions& o) {
  s.choice("kind", o.kind, {"auto", "char", "byte", "word", "bpe", "file"},
           "what a token is: auto = as the pretrained model has it, char for a new model; bpe = "
           "byte pairs learned from the texts; file = that of tokenizer.path");
  s.field("vocab_size", o.vocab_size,
          "upper limit of the vocabulary with special tokens; 0 = all that occurs in the texts "
          "(char, word); bpe needs one",
          at_least(0));
  s.field(
       "path", o.path,
       "with kind file: a tokenizer.json of Hugging Face's or pgtrain's, or a tokenizer.model of "
       "SentencePiece")
      .applies_if([&o] { return o.kind == "file"; });
}

}  // namespace pgtrain
