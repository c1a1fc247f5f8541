// What a child says on its stderr: to the log line by line, and the end of it for error messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace pgtrain {

class StderrLog {
 public:
  // Logs "reward command: <line>" for every whole line in all the bytes so far. Lines are escaped
  // and cut at 1,000 bytes; empty ones are passed over.
  void append(std::string_view bytes);
  // Takes what is left without a line end as a line.
  void finish();
  // After 1,000 lines nothing more is logged (a disk full of them would end the training); each
  // call allows 10 further ones.
  void allow_more();
  // The last lines, escaped, oldest first; at most 10.
  const std::deque<std::string>& last_lines() const { return last_lines_; }

 private:
  void end_line();

  std::string line_;
  bool is_cut_ = false;
  int64_t left_ = 1000;  // lines that may still be logged
  std::deque<std::string> last_lines_;
};

}  // namespace pgtrain
