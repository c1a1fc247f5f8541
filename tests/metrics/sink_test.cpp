#include "metrics/sink.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

Row row_of(int64_t step) {
  Row row;
  row.set("step", step);
  return row;
}

TEST_CASE("jsonl sink: a resumed run never doubles a row", "[metrics]") {
  test::TempDir folder;
  const std::string path = folder / "metrics.jsonl";
  uint64_t length = 0;
  {
    JsonlSink sink(path, 0);
    sink.write(row_of(1));
    length = sink.sync();
    CHECK(length == test::read_file(path).size());
    sink.write(row_of(2));  // after the checkpoint: to be written again
  }
  CHECK(test::read_file(path) == "{\"step\":1}\n{\"step\":2}\n");
  JsonlSink sink(path, length);
  sink.write(row_of(2));
  sink.write(row_of(3));
  CHECK(sink.sync() == 33);
  CHECK(test::read_file(path) == "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

TEST_CASE("jsonl sink: a new run starts an empty file", "[metrics]") {
  test::TempDir folder;
  test::write_file(folder / "m", "old\n");
  JsonlSink sink(folder / "m", 0);
  CHECK(sink.sync() == 0);
  CHECK(test::read_file(folder / "m").empty());
}

TEST_CASE("jsonl sink: a file that lost rows and a folder that is missing", "[metrics]") {
  test::TempDir folder;
  test::write_file(folder / "m", "{}\n");
  CHECK_THROWS_AS(JsonlSink(folder / "m", 100), DataError);
  CHECK_THROWS_AS(JsonlSink(folder / "none/m", 0), DiskError);
}

}  // namespace
}  // namespace pgtrain
