// What a run shows of itself on stderr.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace pgtrain {

// On a terminal: one line that is rewritten in place and cut to the terminal's width. Otherwise:
// log lines at level info, not more often than the interval. Used from one thread. Before logging
// while a line is shown, call clear(), so that the message starts on an empty line; the next update
// shows the line again.
class ProgressLine {
 public:
  // interval: least time between log lines when stderr is no terminal; a terminal gets 20 updates a
  // second at most.
  explicit ProgressLine(std::chrono::milliseconds interval = std::chrono::seconds(10));
  // Finishes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Shows the text (one line); force: at once, whatever the interval.
  void update(std::string_view text, bool force = false);
  // Wipes the line, if one is shown.
  void clear();
  // Shows the latest text if that was held back, and ends the line; the next update starts a new
  // one.
  void finish();

 protected:
  using Clock = std::chrono::steady_clock;
  // For tests: the output and the clock. width 0 = not a terminal; write gets terminal bytes or log
  // lines.
  ProgressLine(std::chrono::milliseconds interval, std::function<int()> width,
               std::function<void(std::string_view)> write, std::function<Clock::time_point()> now);

 private:
  void show();

  std::chrono::milliseconds interval_;
  std::function<int()> width_;
  std::function<void(std::string_view)> write_;
  std::function<Clock::time_point()> now_;
  bool is_terminal_;
  std::string text_;
  bool is_pending_ = false;  // text_ has not been shown
  bool is_shown_ = false;    // a line stands on the terminal
  bool has_last_ = false;
  Clock::time_point last_;
};

// "0.4s" below 10 seconds, then "12s", "3m05s", "1h02m", "2d03h"; "?" for negative and non-finite
// durations.
std::string format_duration(double seconds);

// Three significant digits with a unit prefix: "0.52", "17.3", "950", "1.23k", "45.6M"; "?" for
// non-finite rates.
std::string format_rate(double per_second);

// The text cut to `columns` code points, control characters as spaces; ill-formed bytes count as
// one each.
std::string fit_line(std::string_view text, int columns);

}  // namespace pgtrain
