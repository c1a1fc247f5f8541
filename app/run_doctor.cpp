#include <sys/utsname.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/version.h"
#include "tensor/blas.h"
#include "tensor/row_kernels.h"

#if __has_include(<torch/version.h>)
#include <torch/version.h>
#else
#include <torch/csrc/api/include/torch/version.h>
#endif

namespace pgtrain {

int run_doctor(bool json) {
  const std::string blas = prepare_blas();
  use_one_thread();
  const double gflops = matmul_gflops(1024);
  std::string warning = slow_blas_warning(gflops);
  if (!blas_is_thread_safe())
    warning =
        "this OpenBLAS is a serial build without locks: only one thread can be used. Install "
        "libopenblas0-pthread instead";
  utsname system{};
  uname(&system);
  std::error_code ignored;
  const auto disk = std::filesystem::space(".", ignored);
  const nlohmann::ordered_json facts = {
      {"pgtrain", kVersion},
      {"libtorch", TORCH_VERSION},
      {"compiler", __VERSION__},
      {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
      {"cores", std::thread::hardware_concurrency()},
      {"row_kernels", row_kernels_name()},
      {"blas", blas},
      {"matmul_gflops_per_core", static_cast<double>(static_cast<int64_t>(gflops * 10)) / 10},
      {"free_disk_mib", disk.available >> 20},
      {"hint", blas_environment_hint()},
      {"problem", warning},
  };
  if (json) {
    print(facts.dump() + "\n");
  } else {
    std::string table;
    for (const auto& [key, value] : facts.items())
      if (key != "problem" && value != "")
        table += fmt::format("{:24} {}\n", key,
                             value.is_string() ? value.get<std::string>() : value.dump());
    table += warning.empty() ? "no problem found\n" : "problem: " + warning + "\n";
    print(table);
  }
  return warning.empty() ? kExitDone : kExitInternal;
}

}  // namespace pgtrain
