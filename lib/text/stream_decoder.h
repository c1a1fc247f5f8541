// Text from ids that arrive one by one.
#pragma once

#include <cstdint>
#include <string>

namespace pgtrain {

// The results of all push calls and of finish, one after the other, are tokenizer.decode of all
// ids. Each is valid UTF-8, so no code point is ever cut. The cost of all calls is linear in the
// text.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  // The text that is certain with this id.
  virtual std::string push(int64_t id) = 0;
  // The rest, at the end of the ids; nothing may be pushed after it.
  virtual std::string finish() = 0;
};

}  // namespace pgtrain
