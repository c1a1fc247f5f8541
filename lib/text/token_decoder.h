// Decoders of tokenizer.json: from tokens to text, as a chain of stages that pass text on as soon
// as it is certain.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/json_view.h"

namespace pgtrain {

// Takes a sequence of tokens: the text of each in one or more parts, then its end; then the end of
// all. Every part is valid UTF-8.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  virtual void text(std::string_view part) = 0;
  virtual void end_token() = 0;
  virtual void finish() = 0;
};

// Makes the stage that does this decoder's work on what it is given and hands the result to `next`,
// which must outlive it.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  virtual std::unique_ptr<TokenSink> start(TokenSink& next) const = 0;
  // Whether tokens are in the alphabet of bytes (byte_alphabet.h).
  virtual bool is_byte_level() const { return false; }
};

// ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, BPEDecoder and Sequence. Throws
// DataError for another type or a wrong member.
std::unique_ptr<TokenDecoder> read_token_decoder(const JsonView& json);
// What a tokenizer without decoder does: tokens with a space between them.
std::unique_ptr<TokenDecoder> join_with_spaces();

}  // namespace pgtrain
