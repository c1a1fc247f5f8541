// The page around the sections: head, style, script.
#pragma once

#include <string>

#include "report/html.h"

namespace pgtrain {

// The style sheet and the script of every report; neither loads anything. The script only adds
// values to curves that a pointer or the arrow keys choose.
extern const char* const kReportStyle;
extern const char* const kReportScript;

// A whole HTML document. Its content security policy allows nothing but this style sheet and this
// script, by their SHA-256: nothing else can run, and nothing can be loaded.
std::string html_page(const std::string& title, const Html& body);

}  // namespace pgtrain
