// Log set-up: messages go to stderr (colour only on a terminal, NO_COLOR respected) and, once a run
// directory exists, to its train.log as well. Use spdlog::info/warn/error everywhere.
#pragma once

#include <filesystem>

namespace pgtrain {

// level: trace, debug, info, warn, error or off.
void set_up_log(const char* level);
// Adds a copy of all later messages to the file. Throws DiskError.
void log_to_file(const std::filesystem::path& path);

}  // namespace pgtrain
