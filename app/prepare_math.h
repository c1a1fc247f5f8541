#pragma once

namespace pgtrain {

// Chooses the kernels, prepares the matrix-product library, warns on the log when it is a slow one,
// and lets operators run on the calling thread. Throws ConfigError for a request of PGTRAIN_KERNELS
// that the processor cannot fulfil.
void prepare_math();

}  // namespace pgtrain
