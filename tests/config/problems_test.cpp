#include "config/problems.h"

#include "config/place.h"
#include "support/support.h"

namespace pgtrain {
namespace {

Place place_in(const std::string& text, size_t line, size_t column, size_t order = 0) {
  auto source = std::make_shared<Source>();
  source->name = "exp.yaml";
  source->text = text;
  source->order = order;
  Place place;
  place.source = source;
  place.line = line;
  place.column = column;
  return place;
}

TEST_CASE("place: columns and carets count characters, not bytes, and keep tabs", "[config]") {
  const Place place = place_in("a: 1\r\n\"\xc3\xa9\":\t2\r\n", 2, 7);
  CHECK(place.text() == "exp.yaml:2:6");
  CHECK(place.excerpt() == "\"\xc3\xa9\":\t2\n    \t^\n");
}

TEST_CASE("place: a long line is cut around the column, a missing one is not shown", "[config]") {
  const std::string text = std::string(500, 'a') + "X" + std::string(500, 'b');
  CHECK(place_in(text, 1, 501).excerpt() ==
        std::string(60, 'a') + "X" + std::string(59, 'b') + "\n" + std::string(60, ' ') + "^\n");
  CHECK(place_in("a", 9, 1).excerpt().empty());
  CHECK(place_in("abc", 1, 99).excerpt() == "abc\n   ^\n");
  CHECK(Place().text() == "default");
  CHECK(Place().excerpt().empty());
}

TEST_CASE("problems: sorted by source and line, defaults last", "[config]") {
  Problems problems;
  problems.add("train.steps", "is odd");
  problems.add_at(place_in("a\nb\n", 2, 1), "x", "second");
  problems.add_at(place_in("a\nb\n", 1, 1), "y", "first");
  CHECK(problems.size() == 3);
  CHECK(problems.text() ==
        "exp.yaml:1:1: error: first\na\n^\nexp.yaml:2:1: error: second\nb\n^\ndefault: error: "
        "train.steps: is odd");
}

TEST_CASE("problems: a key that could not be read gets no second complaint", "[config]") {
  Problems problems;
  problems.add_at(Place(), "train", "no block");
  problems.add("train.steps", "too small");
  problems.add("train", "too small");
  CHECK(problems.size() == 1);
  problems.add("trainer", "is 'trainer' here");
  CHECK(problems.size() == 2);
  CHECK(test::contains(problems.text(), "default: error: is 'trainer' here"));
}

TEST_CASE("problems: only the first fifty are shown", "[config]") {
  Problems problems;
  for (int i = 0; i < 53; ++i) problems.add("k" + std::to_string(i), "wrong");
  CHECK(test::contains(problems.text(), "k49: wrong\nand 3 more errors"));
}

}  // namespace
}  // namespace pgtrain
