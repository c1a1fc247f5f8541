#include "similarity/word_overlap.h"

#include "similarity/texts.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::close;

double f1(std::u32string_view hypothesis, std::u32string_view reference) {
  return SquadReference(reference).token_f1(hypothesis);
}

double exact(std::u32string_view hypothesis, std::u32string_view reference) {
  return SquadReference(reference).exact_match(hypothesis);
}

TEST_CASE("squad: F1 of the words by hand", "[similarity]") {
  // "quick brown fox" and "brown fox jumps" share two words: 2 * 2 / 6.
  CHECK(close(f1(U"The quick brown fox", U"brown fox jumps"), 2.0 / 3));
  // As multisets: one "b" of two.
  CHECK(close(f1(U"b b", U"b c"), 1.0 / 2));
  CHECK(f1(U"x", U"y") == 0.0);
  CHECK(f1(U"", U"") == 1.0);
  CHECK(f1(U"the", U"a!") == 1.0);  // no words on either side
  CHECK(f1(U"x", U"the") == 0.0);
  CHECK(f1(U"", U"x") == 0.0);
}

TEST_CASE("squad: articles, ASCII punctuation and case do not matter", "[similarity]") {
  CHECK(exact(U"The cat!", U"a  CAT") == 1.0);
  CHECK(exact(U"an-other", U"another") == 1.0);  // punctuation goes before articles do
  CHECK(exact(U"theatre", U"atre") == 0.0);
  CHECK(exact(U"the\u2014cat", U"\u2014cat") == 1.0);  // the dash ends the word "the"
  CHECK(exact(U"a\u0301", U"\u0301") == 1.0);          // so does a combining mark for \b
  CHECK(exact(U"b c", U"c b") == 0.0);
  CHECK(f1(U"b c", U"c b") == 1.0);
}

TEST_CASE("squad: symmetry, identity and range", "[similarity]") {
  std::mt19937 random(24);
  for (int round = 0; round < 500; ++round) {
    const auto a = test::random_sentence(random, random() % 12);
    const auto b = test::random_sentence(random, random() % 12);
    INFO(round);
    CHECK(f1(a, b) == f1(b, a));
    CHECK(exact(a, b) == exact(b, a));
    CHECK(f1(a, b) >= exact(a, b));
    CHECK(f1(a, b) <= 1);
    CHECK(f1(a, a) == 1.0);
    CHECK(exact(a, a) == 1.0);
  }
}

TEST_CASE("squad: one prepared reference serves several threads", "[similarity]") {
  std::mt19937 random(25);
  std::vector<std::u32string> texts;
  for (int i = 0; i < 60; ++i) texts.push_back(test::random_sentence(random, random() % 20));
  const SquadReference prepared(texts[0]);
  CHECK(test::same_in_threads(60, [&](int i) { return prepared.token_f1(texts[size_t(i)]); }));
}

TEST_CASE("distinct-n by hand", "[similarity]") {
  CHECK(close(distinct_ngrams(U"a a b", 1), 2.0 / 3));
  CHECK(distinct_ngrams(U"a a b", 2) == 1.0);  // "a a", "a b"
  CHECK(close(distinct_ngrams(U"a b a b a", 2), 2.0 / 4));
  CHECK(distinct_ngrams(U"a b", 3) == 1.0);
  CHECK(distinct_ngrams(U"", 1) == 1.0);
  // Each Chinese character is a word.
  CHECK(close(distinct_ngrams(U"\u597D\u597D\u597D\u4F60", 1), 2.0 / 4));
}

}  // namespace
}  // namespace pgtrain
