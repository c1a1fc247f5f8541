#include "metrics/row_reader.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

TEST_CASE("row reader: what was written comes back", "[metrics]") {
  Row row;
  row.set("step", 3);
  row.set("reward", 0.1);
  row.set("text", "a\"\n\x01é");
  row.set("loss", std::numeric_limits<double>::infinity());
  std::string line = to_json_line(row);
  line.pop_back();
  const Row back = parse_row(line, "m:1");
  CHECK(std::get<int64_t>(*back.find("step")) == 3);
  CHECK(back.number("reward") == 0.1);
  CHECK(std::get<std::string>(*back.find("text")) == "a\"\n\x01é");
  CHECK(std::isnan(back.number("loss")));
  CHECK(back.find("nonfinite") == nullptr);
}

TEST_CASE("row reader: a cut last line waits for its rest", "[metrics]") {
  test::TempDir folder;
  const std::string path = folder / "m";
  std::vector<double> steps;
  const auto see = [&](const Row& row) { steps.push_back(row.number("step")); };
  CHECK(read_rows(path, 0, see) == 0);
  test::write_file(path, "{\"step\":1}\n{\"ste");
  const uint64_t offset = read_rows(path, 0, see);
  CHECK(offset == 11);
  test::write_file(path, "{\"step\":1}\n{\"step\":2}\n");
  CHECK(read_rows(path, offset, see) == 22);
  CHECK(steps == std::vector<double>{1, 2});
  test::write_file(path, "");
  CHECK(test::contains(test::message_of<DataError>([&] { read_rows(path, offset, see); }), "cut"));
}

TEST_CASE("row reader: lines longer than a chunk", "[metrics]") {
  test::TempDir folder;
  std::string bytes;
  for (int i = 0; i < 3; ++i) bytes += "{\"text\":\"" + std::string(300000, 'x') + "\"}\n";
  test::write_file(folder / "m", bytes);
  size_t count = 0;
  CHECK(read_rows(folder / "m", 0, [&](const Row& row) {
          ++count;
          CHECK(std::get<std::string>(*row.find("text")).size() == 300000);
        }) == bytes.size());
  CHECK(count == 3);
}

TEST_CASE("row reader: damaged lines are named", "[metrics]") {
  test::TempDir folder;
  const auto message = [&](const std::string& bytes) {
    test::write_file(folder / "m", bytes);
    return test::message_of<DataError>([&] { read_rows(folder / "m", 0, [](const Row&) {}); });
  };
  CHECK(test::contains(message("{}\nnot json\n"), "m:2: is not JSON"));
  CHECK(test::contains(message("[1]\n"), "m:1: is not a JSON object"));
  CHECK(test::contains(message("{\"a\":[1]}\n"), "'a' must be a number"));
  CHECK(test::contains(message(std::string(100000, '[') + "\n"), "m:1: nested"));
  CHECK(test::contains(message(std::string((size_t{16} << 20) + 300000, ' ')), "16 MiB"));
  CHECK(test::contains(message("{\"a\":\"\xff\"}\n"), "m:1: is not JSON"));
  CHECK(parse_row("{\"a\":18446744073709551615}", "m").number("a") == 18446744073709551615.0);
  CHECK(test::contains(
      test::message_of<DataError>([&] { read_rows(folder.path(), 0, [](const Row&) {}); }),
      "plain file"));
}

}  // namespace
}  // namespace pgtrain
