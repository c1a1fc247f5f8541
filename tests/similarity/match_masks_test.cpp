#include "similarity/match_masks.h"

#include "core/error.h"
#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Text = std::u32string;

// Whether bit i of the masks is set exactly where the text has the letter.
bool says(const std::vector<MatchMasks>& masks, const Text& text, char32_t letter) {
  std::vector<uint64_t> bits;
  for (const MatchMasks& part : masks)
    bits.insert(bits.end(), part.find(letter), part.find(letter) + part.blocks());
  if (bits.size() != mask_blocks(text.size())) return false;
  for (size_t i = 0; i < bits.size() * kMaskBits; ++i) {
    const bool bit = ((bits[i / kMaskBits] >> (i % kMaskBits)) & 1) != 0;
    if (bit != (i < text.size() && text[i] == letter)) return false;
  }
  return true;
}

TEST_CASE("letter numbers: ASCII is its own number, others count on", "[similarity]") {
  LetterNumbers numbers(U"a\u00E9\u4E00\u00E9");
  CHECK(numbers.add(U'a') == U'a');
  CHECK(numbers.find(U'b') == U'b');
  CHECK(numbers.find(0x80) == LetterNumbers::kAbsent);
  CHECK(numbers.add(U'\u00E9') == 129);
  CHECK(numbers.add(U'\u4E00') == 130);
  CHECK(numbers.add(U'\u00E9') == 129);
  CHECK(numbers.limit() == 131);
  CHECK(numbers.find(U'\u4E01') == LetterNumbers::kAbsent);
  CHECK(LetterNumbers(U"abc").find(U'\u4E00') == LetterNumbers::kAbsent);
}

TEST_CASE("match masks: bits by hand", "[similarity]") {
  const MatchMasks masks(U"abca");
  CHECK(masks.blocks() == 1);
  CHECK(*masks.find(U'a') == 9);
  CHECK(*masks.find(U'c') == 4);
  CHECK(*masks.find(U'z') == 0);
  CHECK(*masks.find(U'\u4E00') == 0);
  const WordMasks word(U"a\u4E00ca");
  CHECK(word.find(U'a') == 9);
  CHECK(word.find(U'\u4E00') == 2);
  CHECK(word.find(U'\u4E01') == 0);
  CHECK(word.find(U'z') == 0);
}

TEST_CASE("match masks: longer texts than a part holds are refused or cut", "[similarity]") {
  CHECK(make_match_masks(U"").empty());
  CHECK(make_match_masks(Text(512, U'a')).size() == 1);
  CHECK(make_match_masks(Text(513, U'a')).size() == 2);
  CHECK(test::contains(test::message_of<InternalError>([] { MatchMasks masks(Text(513, U'a')); }),
                       "513 letters"));
  CHECK(test::contains(test::message_of<InternalError>([] { WordMasks masks(Text(65, U'a')); }),
                       "65 letters"));
}

TEST_CASE("match masks: equal to the text on random texts of any length", "[similarity]") {
  std::mt19937 random(30);
  for (int round = 0; round < 100; ++round) {
    Text text;
    for (size_t n = random() % 1200; n > 0; --n)
      text += static_cast<char32_t>(random() % 3 == 0 ? random() : U'a' + random() % 20);
    const auto masks = make_match_masks(text);
    for (int k = 0; k < 20 && !text.empty(); ++k)
      if (!says(masks, text, text[random() % text.size()])) FAIL(round);
    if (!says(masks, text, U'Z') || !says(masks, text, 0xFFFFFFFF)) FAIL(round);
    const Text word = text.substr(0, 64);
    const WordMasks small(word);
    for (const char32_t letter : word + U"Z\uFFFF")
      if (!word.empty() && small.find(letter) != *make_match_masks(word)[0].find(letter))
        FAIL(round);
  }
}

}  // namespace
}  // namespace pgtrain
