#include "text/unicode.h"

#include <random>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

struct Malformed {
  std::string bytes;
  size_t offset;            // of the first bad sequence
  std::u32string replaced;  // Unicode 15 section 3.9: one U+FFFD for each maximal subpart
};

// Tables 3-8 to 3-11 of the Unicode standard and the corners of table 3-7.
const std::vector<Malformed> kMalformed = {
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 0,
     U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 0,
     U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 0, U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 0, U"\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"a\x80", 1, U"a\uFFFD"},                      // lone continuation byte
    {"ab\xC3", 2, U"ab\uFFFD"},                    // cut in the middle
    {"\xE4\xBD\xA0\xE4\xBD", 3, U"\u4F60\uFFFD"},  // second sequence cut
    {"\xF0\x9F\x99", 0, U"\uFFFD"},                // cut emoji
    {"\xF5\x80\x80\x80", 0, U"\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"\xC1\xBF", 0, U"\uFFFD\uFFFD"},  // overlong DEL
};

TEST_CASE("unicode: well-formed text of every length class round-trips", "[text]") {
  const std::u32string text = U"\0a\u007F\u0080\u07FF\u0800\uD7FF\uE000\uFFFF\U00010000\U0010FFFF";
  const std::u32string whole(text.data(), text.size());
  CHECK(decode_utf8(encode_utf8(whole)) == whole);
  CHECK(find_invalid_utf8(encode_utf8(whole)) == std::string::npos);
  CHECK(encode_utf8(U"\u00E9\u4F60\U0001F642") == "\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x99\x82");
  const std::string zero("a\0b", 3);
  CHECK(decode_utf8(zero).size() == 3);
  CHECK(decode_utf8("").empty());
}

TEST_CASE("unicode: every scalar value round-trips and every surrogate is refused", "[text]") {
  bool all_equal = true;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    append_utf8(bytes, c);
    const std::u32string back = decode_utf8(bytes);
    all_equal = all_equal && back.size() == 1 && back[0] == c;
  }
  CHECK(all_equal);
  std::string bytes;
  CHECK_THROWS_AS(append_utf8(bytes, 0xD800), InternalError);
  CHECK_THROWS_AS(append_utf8(bytes, 0x110000), InternalError);
}

TEST_CASE("unicode: ill-formed text is found at its offset and replaced by maximal subparts",
          "[text]") {
  for (const Malformed& m : kMalformed) {
    INFO(escape_text(m.bytes));
    CHECK(find_invalid_utf8(m.bytes) == m.offset);
    CHECK(contains(message_of<DataError>([&] { decode_utf8(m.bytes); }),
                   "invalid UTF-8 at byte " + std::to_string(m.offset)));
    CHECK(decode_utf8_lossy(m.bytes) == m.replaced);
    CHECK(replace_invalid_utf8(m.bytes) == encode_utf8(m.replaced));
  }
  CHECK(replace_invalid_utf8("ok \xE4\xBD\xA0") == "ok \xE4\xBD\xA0");
}

TEST_CASE("unicode: random bytes give valid UTF-8 after replacement, and only bad ones change",
          "[text]") {
  std::mt19937 random(7);
  const std::string interesting = "a\x80\xBF\xC2\xE0\xA0\xED\x9F\xF0\x90\xF4\x8F\xFF";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (size_t n = random() % 8; n > 0; --n)
      bytes.push_back(random() % 2 ? interesting[random() % interesting.size()]
                                   : static_cast<char>(random() % 256));
    const std::string replaced = replace_invalid_utf8(bytes);
    const bool was_valid = find_invalid_utf8(bytes) == std::string::npos;
    if (find_invalid_utf8(replaced) != std::string::npos || was_valid != (replaced == bytes)) {
      FAIL("bytes " + escape_text(bytes));
    }
    if (was_valid && encode_utf8(decode_utf8(bytes)) != bytes) FAIL("bytes " + escape_text(bytes));
  }
}

// decode_utf8 reads ASCII and CJK in longer steps; a text cut at any place takes each of them.
TEST_CASE("unicode: a text decodes as its characters one by one do", "[text]") {
  const std::u32string letters =
      U"abcXYZ 019\u00E9\u07FF\u0800\u0FFF\u1000\u4E00\uCFFF\uD000\uD7FF"
      U"\uE000\uFFFF\U00010000\U0010FFFF\0\x7F";
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::u32string expected;
    std::string bytes;
    const size_t kinds = 1 + random() % letters.size();
    for (size_t n = random() % 40; n > 0; --n) {
      expected += letters[random() % kinds];
      append_utf8(bytes, expected.back());
    }
    if (decode_utf8(bytes) != expected || decode_utf8_lossy(bytes) != expected) FAIL(round);
    if (bytes.empty()) continue;
    // One bad byte in the middle: found at its offset, and the rest reads on.
    const size_t cut = random() % expected.size();
    const std::string head = encode_utf8(expected.substr(0, cut));
    const std::string tail = encode_utf8(expected.substr(cut));
    if (decode_utf8_lossy(head + "\xFF" + tail) !=
        expected.substr(0, cut) + U'\uFFFD' + expected.substr(cut))
      FAIL(round);
    if (message_of<DataError>([&] { decode_utf8(head + "\xFF" + tail); }) !=
        "invalid UTF-8 at byte " + std::to_string(head.size()))
      FAIL(round);
  }
}

TEST_CASE("unicode: escapes make the invisible visible and keep the rest", "[text]") {
  CHECK(escape_text("a \xE4\xBD\xA0\xF0\x9F\x99\x82") == "a \xE4\xBD\xA0\xF0\x9F\x99\x82");
  CHECK(escape_text("\n\t\x7F\\") == "\\x0a\\x09\\x7f\\\\");
  CHECK(escape_text(encode_utf8(U"\u200B\u00A0\uFFFF")) == "\\u{200b}\\u{a0}\\u{ffff}");
  CHECK(escape_text("\xFFz") == "\\xffz");
}

}  // namespace
}  // namespace pgtrain
