#include "core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "core/error.h"
#include "core/terminal.h"

namespace pgtrain {

void set_up_log(const char* level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      wants_colour(STDERR_FILENO) ? spdlog::color_mode::automatic : spdlog::color_mode::never);
  sink->set_pattern("%H:%M:%S %^%l%$: %v");
  auto logger = std::make_shared<spdlog::logger>("pgtrain", sink);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log_to_file(const std::filesystem::path& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    sink->set_pattern("%Y-%m-%d %H:%M:%S %l: %v");
    spdlog::default_logger()->sinks().push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& e) {
    throw DiskError(e.what());
  }
}

}  // namespace pgtrain
