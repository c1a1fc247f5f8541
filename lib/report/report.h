// The report of runs as one HTML page that needs nothing else: no network, no other file, no
// script (a short one adds values to the curves).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"

namespace pgtrain {

// The page about the runs in these directories (see find_runs). One run: its figures, curves,
// completions, groups, configuration and checkpoints. Several: a table and common curves first,
// then each. title: empty = made from the runs' names. Runs may still be going, or have been
// killed. The same files give the same bytes. Throws as find_runs, read_run and read_rows; of
// several runs one that cannot be read is left out when there is a `left_out` to be told.
std::string report_page(const std::vector<std::filesystem::path>& paths,
                        const std::string& title = "",
                        const std::function<void(const Error& why)>& left_out = {});

}  // namespace pgtrain
