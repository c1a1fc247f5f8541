// Where a value comes from: a line and column of a file, an override of the command line, or
// nowhere (the default).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace pgtrain {

// One text that was read: a file, or an override as it was given.
struct Source {
  std::string name;  // the path, or "--set a.b=c"
  std::string text;  // of a file, without a byte order mark; empty for an override
  size_t order = 0;  // sources in the order of their precedence
};

struct Place {
  std::shared_ptr<const Source> source;  // null = default
  size_t line = 0;                       // from 1; 0 = the source as a whole
  size_t column = 0;                     // byte of the line, from 1

  // "exp.yaml:12:5" (columns in code points), "exp.yaml", "--set a.b=c" or "default".
  std::string text() const;
  // The line and below it a caret under the column, each ended by a line feed; "" when there is
  // none to show.
  std::string excerpt() const;
};

}  // namespace pgtrain
