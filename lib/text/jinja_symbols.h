// Finds the names that a part of a template hides. jinja2 decides before a template runs where each
// name of a frame (the whole template, the body of a loop, of a macro...) is kept. A name that the
// frame sets before it reads it, and that no frame around it knows, is the frame's own from its
// beginning: it is undefined until it is set, even where the caller gave a variable of that name.
//   {% for m in messages %}{{ bos_token }}{% endfor %}{% set bos_token = '' %}   prints nothing,
// because the body of the loop is another frame, so that the template itself does not read the
// name before it sets it. A name that only some branches of an `if` set is not hidden.
// Follows jinja2/idtracking.py of 3.1.6.
#pragma once

#include <string>

#include "text/jinja_syntax.h"

namespace pgtrain::jinja {

// Fills `hidden` of the program and of every branch and macro in it. Throws ConfigError for
// templates with so many names and branches that this takes too long.
void find_hidden_names(Program& program, const std::string& name);

}  // namespace pgtrain::jinja
