#include "core/error.h"

#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;

TEST_CASE("a failed check says expression, message and place", "[core]") {
  const int rows = -3;
  const auto message =
      test::message_of<InternalError>([&] { PG_CHECK(rows > 0, "rows is {}", rows); });
  CHECK(contains(message, "rows is -3"));
  CHECK(contains(message, "rows > 0"));
  CHECK(contains(message, "error_test.cpp:"));
  CHECK_NOTHROW([&] { PG_CHECK(rows < 0, "rows is {}", rows); }());
}

TEST_CASE("a check is one statement and evaluates its condition once", "[core]") {
  int evaluated = 0;
  if (evaluated == 0)
    PG_CHECK(++evaluated == 1, "{}", evaluated);
  else
    PG_CHECK(false, "not reached");
  CHECK(evaluated == 1);
}

TEST_CASE("braces in the values of a message are left alone", "[core]") {
  const std::string name = "{}{0}%s";
  const auto message =
      test::message_of<InternalError>([&] { PG_CHECK(name.empty(), "name {}", name); });
  CHECK(contains(message, "name {}{0}%s"));
}

TEST_CASE("every error has the documented exit code", "[core]") {
  CHECK(Error("m").exit_code() == 1);
  CHECK(ConfigError("m").exit_code() == 2);
  CHECK(DivergenceError("m").exit_code() == 3);
  CHECK(DataError("m").exit_code() == 4);
  CHECK(DiskError("m").exit_code() == 5);
  CHECK(kExitDone == 0);
  CHECK(kExitStopped == 75);
  CHECK(kExitInterrupted == 130);
  CHECK(std::string(DataError("a {} b").what()) == "a {} b");
}

TEST_CASE("a broken promise is not one of the user's errors", "[core]") {
  CHECK_FALSE((std::is_base_of_v<Error, InternalError>));
  CHECK((std::is_base_of_v<Error, DivergenceError>));
}

}  // namespace
}  // namespace pgtrain
