#include "reward/stderr_log.h"

#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;

TEST_CASE("stderr log: lines are logged once they are whole", "[reward]") {
  const test::LogCapture log;
  StderrLog errors;
  errors.append("loa");
  CHECK(log.text().empty());
  errors.append("ding\nrea");
  CHECK(log.text() == "info: reward command: loading\n");
  errors.append("dy\n\n\r\nlast");
  errors.finish();
  errors.finish();
  CHECK(log.text() ==
        "info: reward command: loading\ninfo: reward command: ready\ninfo: reward command: last\n");
}

TEST_CASE("stderr log: control characters and broken UTF-8 are escaped", "[reward]") {
  const test::LogCapture log;
  StderrLog errors;
  errors.append("\x1B[31m{}\xFF\r\n");
  CHECK(log.text() == "info: reward command: \\x1b[31m{}\\xff\n");
}

TEST_CASE("stderr log: a long line is cut, whatever its pieces", "[reward]") {
  const test::LogCapture log;
  StderrLog errors;
  for (int i = 0; i < 300; ++i) errors.append("12345");
  errors.append("\n" + std::string(1000, 'a') + "\n");
  REQUIRE(errors.last_lines().size() == 2);
  CHECK(errors.last_lines()[0].size() == 1003);
  CHECK(contains(errors.last_lines()[0], "12345..."));
  CHECK(errors.last_lines()[1] == std::string(1000, 'a'));
}

TEST_CASE("stderr log: the last ten lines are kept, oldest first", "[reward]") {
  const test::LogCapture log;
  StderrLog errors;
  for (int i = 1; i <= 25; ++i) errors.append(std::to_string(i) + "\n");
  CHECK(errors.last_lines().size() == 10);
  CHECK(errors.last_lines().front() == "16");
  CHECK(errors.last_lines().back() == "25");
}

TEST_CASE("stderr log: a flood is not logged beyond its limit, until more is allowed", "[reward]") {
  const test::LogCapture log;
  StderrLog errors;
  for (int i = 1; i <= 5000; ++i) errors.append("flood " + std::to_string(i) + "\n");
  CHECK(contains(log.text(), "flood 1000\nwarning: reward command: says too much on stderr"));
  CHECK_FALSE(contains(log.text(), "flood 1001"));
  CHECK(errors.last_lines().back() == "flood 5000");
  errors.allow_more();
  for (int i = 1; i <= 20; ++i) errors.append("again " + std::to_string(i) + "\n");
  CHECK(contains(log.text(), "not logged\ninfo: reward command: again 1\n"));
  CHECK(contains(log.text(), "again 10\nwarning"));
  CHECK_FALSE(contains(log.text(), "again 11"));
}

}  // namespace
}  // namespace pgtrain
