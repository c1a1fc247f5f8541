#include "config/value_list.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain::test {
namespace {

using Texts = std::vector<std::string>;

std::string list_error(const std::string& text) {
  return message_of<ConfigError>([&] { parse_value_list(text); });
}

TEST_CASE("value list: cut at commas that no bracket and no quote holds", "[config]") {
  CHECK(parse_value_list("1e-4,3e-4") == Texts{"1e-4", "3e-4"});
  CHECK(parse_value_list(" a , b ") == Texts{"a", "b"});
  CHECK(parse_value_list("[1, 2],[3],{a: 1, b: [2,3]}") ==
        Texts{"[1, 2]", "[3]", "{a: 1, b: [2,3]}"});
  CHECK(parse_value_list(R"("a,b",'it''s, so',"\",")") ==
        Texts{R"("a,b")", "'it''s, so'", R"("\",")"});
  // A quote within a plain text is a character.
  CHECK(parse_value_list("it's,5'") == Texts{"it's", "5'"});
  CHECK(parse_value_list("['a]', x],y") == Texts{"['a]', x]", "y"});
  CHECK(parse_value_list("''") == Texts{"''"});
}

TEST_CASE("value list: ranges of integers", "[config]") {
  CHECK(parse_value_list("1..4") == Texts{"1", "2", "3", "4"});
  CHECK(parse_value_list("-1..1,7") == Texts{"-1", "0", "1", "7"});
  CHECK(parse_value_list("3..3") == Texts{"3"});
  CHECK(parse_value_list("9223372036854775806..9223372036854775807") ==
        Texts{"9223372036854775806", "9223372036854775807"});
  // Not of integers: a text, such as a path.
  CHECK(parse_value_list("../data,a..b,'1..2'") == Texts{"../data", "a..b", "'1..2'"});
  CHECK(parse_value_list("1..100000").size() == 100000);
}

TEST_CASE("value list: what is wrong is said", "[config]") {
  CHECK(contains(list_error(""), "empty"));
  CHECK(contains(list_error("1,,2"), "''"));
  CHECK(contains(list_error("1,"), "empty"));
  CHECK(contains(list_error("4..1"), "the range 4..1 is empty"));
  CHECK(contains(list_error("1..100001"), "more than 100000"));
  CHECK(contains(list_error("-9223372036854775807..9223372036854775807"), "more than 100000"));
  CHECK(contains(list_error("1..60000,100001..160000"), "more than 100000"));
  CHECK(contains(list_error("[1,2"), "not closed"));
  CHECK(contains(list_error("1]"), "closes nothing"));
  CHECK(contains(list_error("'a"), "not closed"));
  CHECK(contains(list_error("a\tb"), "control"));
  CHECK(contains(list_error(std::string("a\0b", 3)), "control"));
}

TEST_CASE("value list: one spelling for equal numbers", "[config]") {
  CHECK(canonical_value("1e-3") == canonical_value("0.001"));
  CHECK(canonical_value("5") == canonical_value("5.0"));
  CHECK(canonical_value("5") != canonical_value("'5'"));
  CHECK(canonical_value("9007199254740993") == "9007199254740993");  // no double
  CHECK(canonical_value("grpo") == "grpo");
}

}  // namespace
}  // namespace pgtrain::test
