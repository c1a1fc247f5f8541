#include "metrics/progress.h"

#include <limits>
#include <vector>

#include "support/support.h"

namespace pgtrain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a progress line writes, under a clock that the test moves.
struct Screen {
  int width = 0;
  std::vector<std::string> written;
  std::chrono::steady_clock::time_point now;
};

class TestLine : public ProgressLine {
 public:
  explicit TestLine(Screen& screen)
      : ProgressLine(
            seconds(10), [&screen] { return screen.width; },
            [&screen](std::string_view text) { screen.written.emplace_back(text); },
            [&screen] { return screen.now; }) {}
};

using Lines = std::vector<std::string>;

TEST_CASE("progress: on a terminal one line is rewritten, cut, cleared and ended", "[metrics]") {
  Screen screen;
  screen.width = 6;
  TestLine line(screen);
  line.update("abc");
  line.update("held back");  // the same moment
  screen.now += milliseconds(50);
  line.update("\xc3\xa9\t23456");
  CHECK(screen.written == Lines{"\r\x1b[Kabc", "\r\x1b[K\xc3\xa9 234"});
  line.clear();
  line.clear();
  CHECK(screen.written.size() == 3);
  CHECK(screen.written.back() == "\r\x1b[K");
  line.update("x");  // comes back at once after clear
  line.finish();
  line.finish();
  CHECK(screen.written ==
        Lines{"\r\x1b[Kabc", "\r\x1b[K\xc3\xa9 234", "\r\x1b[K", "\r\x1b[Kx", "\n"});
}

TEST_CASE("progress: finish shows what was held back, and force does not wait", "[metrics]") {
  Screen screen;
  screen.width = 80;
  {
    TestLine line(screen);
    line.update("1");
    line.update("2", true);
    line.update("3");
  }
  CHECK(screen.written == Lines{"\r\x1b[K1", "\r\x1b[K2", "\r\x1b[K3", "\n"});
}

TEST_CASE("progress: elsewhere whole log lines, one for each interval", "[metrics]") {
  Screen screen;
  TestLine line(screen);
  line.update("1");
  screen.now += milliseconds(9999);
  line.update("2");
  line.clear();  // nothing to clear
  line.update("3", true);
  screen.now += seconds(10);
  line.update("4");
  line.update("5");
  CHECK(screen.written == Lines{"1", "3", "4"});
  line.finish();
  CHECK(screen.written == Lines{"1", "3", "4", "5"});
}

TEST_CASE("durations", "[metrics]") {
  CHECK(format_duration(0) == "0.0s");
  CHECK(format_duration(0.44) == "0.4s");
  CHECK(format_duration(9.96) == "10s");
  CHECK(format_duration(12) == "12s");
  CHECK(format_duration(59.6) == "1m00s");
  CHECK(format_duration(185) == "3m05s");
  CHECK(format_duration(3599.7) == "1h00m");
  CHECK(format_duration(3720) == "1h02m");
  CHECK(format_duration(2 * 86400 + 3 * 3600) == "2d03h");
  CHECK(format_duration(-1) == "?");
  CHECK(format_duration(std::numeric_limits<double>::quiet_NaN()) == "?");
  CHECK(format_duration(1e300) == "?");
}

TEST_CASE("rates have three significant digits", "[metrics]") {
  CHECK(format_rate(0) == "0.00");
  CHECK(format_rate(0.523) == "0.52");
  CHECK(format_rate(9.996) == "10.0");
  CHECK(format_rate(17.34) == "17.3");
  CHECK(format_rate(950) == "950");
  CHECK(format_rate(999.7) == "1.00k");
  CHECK(format_rate(1234) == "1.23k");
  CHECK(format_rate(45.6e6) == "45.6M");
  CHECK(format_rate(1e15) == "1000T");
  CHECK(format_rate(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("fit line cuts at characters", "[metrics]") {
  CHECK(fit_line("a\xe2\x82\xac"
                 "b",
                 2) == "a\xe2\x82\xac");
  CHECK(fit_line("a\nb\x1b", 9) == "a b ");
  CHECK(fit_line("abc", 0).empty());
}

}  // namespace
}  // namespace pgtrain
