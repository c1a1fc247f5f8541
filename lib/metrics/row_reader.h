// Reads files of rows (metrics.jsonl, completions.jsonl, timing.jsonl) that a run may still be
// writing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "metrics/row.h"

namespace pgtrain {

// The row of a line as to_json_line writes it. null is NaN (also where an infinity was written), a
// number without fraction or exponent an integer when it fits one, true and false are 1 and 0.
// Throws DataError that begins with `place`: not JSON, not an object, a value that is an array or
// an object (but for "nonfinite", which is left out), more than 4096 members.
Row parse_row(const std::string& line, const std::string& place);

// Calls `see` for each whole line of the file from byte `offset` on and returns the offset behind
// the last whole line: the last line of a run that is still going, or was killed, may be cut, and
// is left for a later call. A missing file is an empty one. Throws DataError that names the file
// and the line, counted from `offset`: see parse_row; a line above 16 MiB; a file shorter than
// `offset`.
uint64_t read_rows(const std::filesystem::path& path, uint64_t offset,
                   const std::function<void(const Row&)>& see);

}  // namespace pgtrain
