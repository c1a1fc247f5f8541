// UTF-8 that arrives in parts which may end inside of a code point.
#pragma once

#include <string>
#include <string_view>

namespace pgtrain {

class Utf8Stream {
 public:
  // Adds bytes and returns what is certain now: valid UTF-8, ill-formed sequences as U+FFFD
  // (decode_utf8_lossy), without the beginning of a code point whose rest is still to come.
  std::string push(std::string_view bytes);
  // The rest.
  std::string finish();

 private:
  std::string pending_;
};

}  // namespace pgtrain
