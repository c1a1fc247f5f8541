// What the system tells about this process.
#pragma once

#include <cstdint>

namespace pgtrain {

// Bytes of main memory that the process has held at most since it began to run this program (VmHWM
// of /proc/self/status); 0 = cannot be told.
uint64_t peak_memory();

// Seconds since the process was started, whatever programs it has run since; to the system's clock
// tick, usually 0.01 s. 0 = cannot be told.
double process_age();

}  // namespace pgtrain
