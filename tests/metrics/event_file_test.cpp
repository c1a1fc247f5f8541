#include "metrics/event_file.h"

#include "core/error.h"
#include "support/log_capture.h"
#include "support/support.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;
using Points = std::vector<std::pair<int64_t, std::string>>;

// Step and first tag of every event with values that the folder holds.
Points points(const test::TempDir& folder) {
  Points result;
  for (const fs::path& file : event_files(folder.path())) {
    EventReader reader(file);
    while (const auto event = reader.next()) {
      const EventHead head = read_event_head(*event, file.string());
      if (!head.first_tag.empty()) result.emplace_back(head.step, head.first_tag);
    }
  }
  return result;
}

void write_steps(EventFile& file, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    EventSummary summary;
    summary.add_scalar("r", static_cast<double>(step));
    file.write(summary, step);
  }
}

bool keep_none(const EventHead&) { return false; }
bool keep_to_2(const EventHead& event) { return event.step <= 2; }

TEST_CASE("event file: it starts with version and session start", "[event_file]") {
  const test::TempDir folder;
  EventFile file(folder.path(), keep_none);
  write_steps(file, 1, 1);
  EventReader reader(file.path());
  CHECK(test::contains(*reader.next(), "brain.Event:2"));
  CHECK(reader.next()->substr(9) == std::string("\x3a\x02\x08\x01"));
  CHECK(read_event_head(*reader.next(), "x").step == 1);
  CHECK_FALSE(reader.next());
}

TEST_CASE("event file: a resumed run holds every step once", "[event_file]") {
  const test::TempDir folder;
  fs::path first;
  {
    EventFile file(folder.path(), keep_none);
    write_steps(file, 1, 4);
    first = file.path();
  }
  const std::string bytes = test::read_file(first.string());
  EventFile file(folder.path(), keep_to_2);
  write_steps(file, 3, 5);
  CHECK(points(folder) == Points{{1, "r"}, {2, "r"}, {3, "r"}, {4, "r"}, {5, "r"}});
  CHECK(event_files(folder.path()) == std::vector<fs::path>{first, file.path()});
  CHECK(fs::file_size(first) == 0);
  CHECK_FALSE(fs::exists(folder / "events.tmp"));
  // What TensorBoard reads next must come after what it reads now.
  CHECK(file.path() > first);
  // The kept points are the bytes that were there, their times included, after the records of the
  // version (24 + 16 bytes) and of the start (13 + 16).
  const size_t start = 40 + 29;
  const size_t event = (bytes.size() - start) / 4;
  CHECK(test::read_file(file.path().string()).substr(start, 2 * event) ==
        bytes.substr(start, 2 * event));
}

TEST_CASE("event file: a kill before the old file was emptied", "[event_file]") {
  const test::TempDir folder;
  std::string old_bytes;
  fs::path old_path;
  {
    EventFile file(folder.path(), keep_none);
    write_steps(file, 1, 4);
    old_path = file.path();
    old_bytes = test::read_file(old_path.string());
  }
  {
    EventFile file(folder.path(), keep_to_2);
    write_steps(file, 3, 3);
  }
  test::write_file(old_path.string(), old_bytes);
  test::write_file(folder / "events.tmp", "half");
  EventFile file(folder.path(), keep_to_2);
  write_steps(file, 3, 3);
  CHECK(points(folder) == Points{{1, "r"}, {2, "r"}, {3, "r"}});
  CHECK(event_files(folder.path()).size() == 2);
}

TEST_CASE("event file: a cut end is dropped, damage is told of, and the run goes on",
          "[event_file]") {
  for (const bool is_cut : {true, false}) {
    const test::TempDir folder;
    fs::path path;
    {
      EventFile file(folder.path(), keep_none);
      write_steps(file, 1, 3);
      path = file.path();
    }
    std::string bytes = test::read_file(path.string());
    if (is_cut)
      bytes.pop_back();
    else
      bytes.back() = static_cast<char>(bytes.back() ^ 1);
    test::write_file(path.string(), bytes);
    const test::LogCapture log;
    EventFile file(folder.path(), [](const EventHead&) { return true; });
    CHECK(points(folder) == Points{{1, "r"}, {2, "r"}});
    CHECK(test::contains(log.text(), "is damaged") == !is_cut);
  }
}

TEST_CASE("event file: a missing one is no error, and files of others stay", "[event_file]") {
  const test::TempDir folder;
  const std::string foreign = "events.out.tfevents.1700000000.host.1.0";
  test::write_file(folder / foreign, "x");
  EventFile file(folder.path(), keep_to_2);
  write_steps(file, 3, 3);
  CHECK(points(folder) == Points{{3, "r"}});
  CHECK(test::read_file(folder / foreign) == "x");
  CHECK_THROWS_AS(EventFile(folder / "none", keep_none), DiskError);
}

TEST_CASE("event file: names ascend even when the clock goes back", "[event_file]") {
  const test::TempDir folder;
  test::write_file(folder / "events.out.tfevents.5000000000.pgtrain", "");
  EventFile file(folder.path(), keep_none);
  CHECK(file.path().filename() == "events.out.tfevents.5000000001.pgtrain");
}

}  // namespace
}  // namespace pgtrain
