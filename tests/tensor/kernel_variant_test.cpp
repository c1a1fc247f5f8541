#include "tensor/kernel_variant.h"

#include "core/error.h"
#include "support/support.h"

using namespace pgtrain;
using test::contains;

TEST_CASE("kernel variant: a request at or below what the processor has is taken", "[tensor]") {
  CHECK(choose_variant("", KernelVariant::kPortable) == KernelVariant::kPortable);
  CHECK(choose_variant("", KernelVariant::kAvx512) == KernelVariant::kAvx512);
  CHECK(choose_variant("portable", KernelVariant::kPortable) == KernelVariant::kPortable);
  CHECK(choose_variant("portable", KernelVariant::kAvx512) == KernelVariant::kPortable);
  CHECK(choose_variant("avx2", KernelVariant::kAvx2) == KernelVariant::kAvx2);
  CHECK(choose_variant("avx512", KernelVariant::kAvx512) == KernelVariant::kAvx512);
}

TEST_CASE("kernel variant: a request above it is refused and names what there is", "[tensor]") {
  const std::string above =
      test::message_of<ConfigError>([] { choose_variant("avx512", KernelVariant::kAvx2); });
  CHECK(contains(above, "PGTRAIN_KERNELS=avx512"));
  CHECK(contains(above, "the best that it has is avx2"));
  CHECK(contains(
      test::message_of<ConfigError>([] { choose_variant("avx2", KernelVariant::kPortable); }),
      "the best that it has is portable"));
  for (const char* name : {"AVX2", "avx", "portable ", "sse"}) {
    const std::string unknown =
        test::message_of<ConfigError>([&] { choose_variant(name, KernelVariant::kAvx2); });
    CHECK(contains(unknown, "known are portable, avx2 and avx512"));
  }
}
