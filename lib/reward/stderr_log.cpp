#include "reward/stderr_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr size_t kMaxLineBytes = 1000;
constexpr int64_t kMoreLines = 10;
constexpr size_t kLastLines = 10;

}  // namespace

void StderrLog::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const size_t room = kMaxLineBytes - line_.size();
    line_.append(bytes.substr(0, std::min(end, room)));
    if (end > room) is_cut_ = true;
    if (end == bytes.size()) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void StderrLog::finish() { end_line(); }

void StderrLog::allow_more() { left_ = std::max<int64_t>(left_, 0) + kMoreLines; }

void StderrLog::end_line() {
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  const std::string text = escape_text(line_) + (is_cut_ ? "..." : "");
  line_.clear();
  is_cut_ = false;
  if (text.empty()) return;
  last_lines_.push_back(text);
  if (last_lines_.size() > kLastLines) last_lines_.pop_front();
  if (left_ > 0)
    spdlog::info("reward command: {}", text);
  else if (left_ == 0)
    spdlog::warn("reward command: says too much on stderr; some of it is not logged");
  if (left_ >= 0) --left_;
}

}  // namespace pgtrain
