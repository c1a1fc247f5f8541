#include "similarity/vocabulary.h"

#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("vocabulary: words are numbered as they come", "[similarity]") {
  Vocabulary vocabulary;
  CHECK(vocabulary.find(U"a") == Vocabulary::kUnknown);
  CHECK(vocabulary.add(U"b") == 0);
  CHECK(vocabulary.add(U"a") == 1);
  CHECK(vocabulary.add(U"b") == 0);
  CHECK(vocabulary.size() == 2);
  CHECK(vocabulary.find(U"a") == 1);
  CHECK(vocabulary.find(U"ab") == Vocabulary::kUnknown);
  CHECK(vocabulary.add(std::vector<std::u32string_view>{U"a", U"c"}) ==
        std::vector<uint32_t>{1, 2});
  CHECK(vocabulary.find(std::vector<std::u32string_view>{U"c", U"d"}) ==
        std::vector<uint32_t>{2, Vocabulary::kUnknown});
}

TEST_CASE("vocabulary: the empty word and beginnings of words are words of their own",
          "[similarity]") {
  Vocabulary vocabulary;
  CHECK(vocabulary.add(U"ab") == 0);
  CHECK(vocabulary.add(U"") == 1);
  CHECK(vocabulary.add(U"a") == 2);
  CHECK(vocabulary.add(std::u32string(1, U'\0')) == 3);
  CHECK(vocabulary.find(U"") == 1);
  CHECK(vocabulary.find(std::u32string(1, U'\0')) == 3);
}

TEST_CASE("vocabulary: many words keep their numbers", "[similarity]") {
  Vocabulary vocabulary;
  std::vector<std::u32string> words;
  for (char32_t i = 0; i < 20000; ++i) words.push_back({U'w', i % 141, i / 141});
  for (size_t i = 0; i < words.size(); ++i)
    if (vocabulary.add(words[i]) != i) FAIL(i);
  for (size_t i = 0; i < words.size(); ++i)
    if (vocabulary.find(words[i]) != i) FAIL(i);
  CHECK(vocabulary.size() == 20000);
  CHECK(vocabulary.find(U"w") == Vocabulary::kUnknown);
}

}  // namespace
}  // namespace pgtrain
