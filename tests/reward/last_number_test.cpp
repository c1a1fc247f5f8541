#include "reward/last_number.h"

#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("last_number: what counts as a number", "[reward]") {
  CHECK(last_number(U"12 apples and 7 pears") == 7);
  CHECK(last_number(U"x = -3") == -3);
  CHECK(last_number(U"-3") == -3);
  CHECK(last_number(U"5-3") == 3);       // a minus between numbers is no sign
  CHECK(last_number(U"page-3") == 3);    // nor is a hyphen
  CHECK(last_number(U"\u22124") == -4);  // the minus of typography
  CHECK(last_number(U"1,234,567") == 1234567);
  CHECK(last_number(U"1,2") == 2);
  CHECK(last_number(U"1,2345") == 2345);
  CHECK(last_number(U"1234,567") == 567);  // four digits begin no group
  CHECK(last_number(U"3.14.") == 3.14);
  CHECK(last_number(U"it costs 5.") == 5);
  CHECK(last_number(U"1.5e3") == 1500);
  CHECK(last_number(U"2e-2") == 0.02);
  CHECK(last_number(U"2e") == 2);
  CHECK(last_number(U"\u0664\u0662") == 42);  // Arabic-Indic digits
  CHECK(last_number(U"\uFF14\uFF12") == 42);  // full-width digits
  CHECK(last_number(U"#### 72") == 72);
  CHECK(last_number(U"$.75") == 0.75);
  CHECK(last_number(U"-.5") == -0.5);
  CHECK(last_number(U"0.0e-5") == 0);
  CHECK(last_number(U"the end.5") == 0.5);
  CHECK(!last_number(U"1e-999"));
  CHECK(!last_number(U""));
  CHECK(!last_number(U"none, \u4E8C"));
  CHECK(!last_number(U"1e999"));
}

}  // namespace
}  // namespace pgtrain
