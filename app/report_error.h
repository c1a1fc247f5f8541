// What the process says and returns when a command fails.
#pragma once

namespace pgtrain {

// To be called in a catch block: prints the message of the exception in flight on standard error,
// one readable text without a stack trace, and returns the documented exit code.
int report_error();

}  // namespace pgtrain
