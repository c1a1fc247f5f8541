#include "metrics/sink.h"

namespace pgtrain {

JsonlSink::JsonlSink(const std::filesystem::path& path, uint64_t length) : file_(path, length) {}

void JsonlSink::write(const Row& row) { file_.append(to_json_line(row)); }

uint64_t JsonlSink::sync() { return file_.sync(); }

}  // namespace pgtrain
