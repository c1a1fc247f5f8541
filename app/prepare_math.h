#pragma once

namespace pgtrain {

// Prepares the matrix-product library, warns on the log when it is a slow one, and lets operators
// run on the calling thread.
void prepare_math();

}  // namespace pgtrain
