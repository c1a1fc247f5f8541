// Where rows of metrics go.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/files.h"
#include "metrics/row.h"

namespace pgtrain {

// Called from one thread, in the order of the steps. All calls may block on the disk and throw
// DiskError.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void write(const Row& row) = 0;
  // Makes all rows so far durable and returns the length to remember in a checkpoint: opening the
  // sink again with it drops what was written later.
  virtual uint64_t sync() = 0;
};

// One JSON line for each row (format: metrics/row.h); a row is in the file, whole, when write
// returns.
class JsonlSink : public MetricSink {
 public:
  // Cuts the file to `length` bytes, 0 for a new run. Throws DataError when it is shorter.
  JsonlSink(const std::filesystem::path& path, uint64_t length);
  void write(const Row& row) override;
  uint64_t sync() override;

 private:
  AppendFile file_;
};

}  // namespace pgtrain
