// What the terminal behind a file descriptor can do.
#pragma once

namespace pgtrain {

// A terminal that understands cursor movement: not TERM=dumb.
bool is_terminal(int fd);
// is_terminal, and NO_COLOR is not set or empty.
bool wants_colour(int fd);

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};
// As it is now; the usual one where the system does not tell.
TerminalSize terminal_size(int fd);

}  // namespace pgtrain
