#include "metrics/progress.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "core/terminal.h"

namespace pgtrain {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";  // to column 1, erase to the end of the line
constexpr std::chrono::milliseconds kFrame(50);

int stderr_width() { return is_terminal(STDERR_FILENO) ? terminal_size(STDERR_FILENO).columns : 0; }

void write_stderr(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

ProgressLine::ProgressLine(std::chrono::milliseconds interval)
    : ProgressLine(interval, stderr_width, {}, [] { return Clock::now(); }) {
  if (is_terminal_) {
    write_ = write_stderr;
  } else {
    write_ = [](std::string_view line) { spdlog::info("{}", line); };
  }
}

ProgressLine::ProgressLine(std::chrono::milliseconds interval, std::function<int()> width,
                           std::function<void(std::string_view)> write,
                           std::function<Clock::time_point()> now)
    : interval_(interval),
      width_(std::move(width)),
      write_(std::move(write)),
      now_(std::move(now)),
      is_terminal_(width_() > 0) {}

ProgressLine::~ProgressLine() {
  try {
    finish();
  } catch (...) {  // NOLINT(bugprone-empty-catch): a progress line must not end the process
  }
}

void ProgressLine::update(std::string_view text, bool force) {
  text_ = text;
  is_pending_ = true;
  const auto wait = is_terminal_ ? std::min(interval_, kFrame) : interval_;
  if (force || !has_last_ || now_() - last_ >= wait) show();
}

void ProgressLine::clear() {
  if (!is_shown_) return;
  write_(kClearLine);
  is_shown_ = false;
  has_last_ = false;  // the next update comes back at once
}

void ProgressLine::finish() {
  if (is_pending_) show();
  if (is_shown_) write_("\n");
  is_shown_ = false;
  has_last_ = false;
}

void ProgressLine::show() {
  if (is_terminal_) {
    // A line that fills the last column makes some terminals wrap.
    write_(std::string(kClearLine) + fit_line(text_, std::max(1, width_() - 1)));
    is_shown_ = true;
  } else {
    write_(text_);
  }
  is_pending_ = false;
  last_ = now_();
  has_last_ = true;
}

std::string format_duration(double seconds) {
  constexpr double kLongest = 86400.0 * 10000;
  if (!std::isfinite(seconds) || seconds < 0 || seconds > kLongest) return "?";
  if (seconds < 9.95) return fmt::format("{:.1f}s", seconds);
  const auto total = static_cast<int64_t>(std::llround(seconds));
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  if (total < 86400) return fmt::format("{}h{:02}m", total / 3600, total % 3600 / 60);
  return fmt::format("{}d{:02}h", total / 86400, total % 86400 / 3600);
}

std::string format_rate(double per_second) {
  if (!std::isfinite(per_second)) return "?";
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  size_t unit = 0;
  double value = per_second;
  // 999.5 would be printed as 1000.
  while (std::abs(value) >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  const double size = std::abs(value);
  const int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, kUnits[unit]);
}

std::string fit_line(std::string_view text, int columns) {
  std::string line;
  int used = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xc0U) == 0x80;
    if (!continues && ++used > columns) break;
    line += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return line;
}

}  // namespace pgtrain
