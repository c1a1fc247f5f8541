// Expected bytes come from TensorBoard's own protos and record writer (tensorboard 2.21.0) or from
// the format by hand, as said at each.
#include "metrics/tensorboard.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/protobuf_reader.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// The field's bytes, all occurrences of them.
std::vector<std::string> fields(std::string_view message, uint64_t number) {
  std::vector<std::string> result;
  ProtobufReader reader(message, "test");
  while (reader.next())
    if (reader.number() == number) result.emplace_back(reader.bytes());
  return result;
}

// The doubles of fields 1 to 5 of a HistogramProto are not readable by ProtobufReader: they are at
// fixed places.
double double_at(const std::string& bytes, size_t offset) {
  double value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::vector<double> packed_doubles(const std::string& bytes) {
  std::vector<double> values;
  for (size_t at = 0; at < bytes.size(); at += 8) values.push_back(double_at(bytes, at));
  return values;
}

// The HistogramProto of a summary of one histogram.
std::string histogram_of(const std::vector<double>& values) {
  EventSummary summary;
  summary.add_histogram("h", values);
  const std::string event = summary.event(0, 1);
  return fields(fields(fields(event, 5).at(0), 1).at(0), 5).at(0);
}

TEST_CASE("crc32c: check values", "[tensorboard]") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  // RFC 3720, B.4: 32 bytes of zeros, of ones, and 0 to 31.
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i);
  CHECK(crc32c(ascending) == 0x46dd794e);
}

TEST_CASE("a scalar has the bytes that TensorBoard's own writer gives it", "[tensorboard]") {
  EventSummary summary;
  summary.add_scalar("train/reward", 0.25);
  const std::string event = summary.event(1.5, 300);
  CHECK(event ==
        from_hex("09000000000000f83f10ac022a150a130a0c747261696e2f726577617264150000803e"));
  CHECK(event_record(event) ==
        from_hex("2300000000000000b09f774309000000000000f83f10ac022a150a130a0c747261696e2f72657761"
                 "7264150000803e15783cf8"));
}

TEST_CASE("the first events of a file, by hand", "[tensorboard]") {
  CHECK(file_version_event(1.5) == from_hex("09000000000000f83f1a0d") + "brain.Event:2");
  CHECK(session_start_event(1.5, 0) == from_hex("09000000000000f83f3a020801"));
  CHECK(session_start_event(1.5, 7) == from_hex("09000000000000f83f10073a020801"));
}

TEST_CASE("a text has the bytes that TensorBoard's own protos give it", "[tensorboard]") {
  EventSummary summary;
  summary.add_text("t", "hi");
  // Their Event writes a wall time of 0 as a missing field.
  CHECK(summary.event(0, 1) ==
        from_hex("090000000000000000") +
            from_hex("10012a190a170a0174420808071200420268694a080a060a0474657874"));
}

TEST_CASE("a histogram's buckets hold every value once", "[tensorboard]") {
  const std::string histogram = histogram_of({0, 1, 1, 30});
  CHECK(double_at(histogram, 1) == 0);     // min
  CHECK(double_at(histogram, 10) == 30);   // max
  CHECK(double_at(histogram, 19) == 4);    // num
  CHECK(double_at(histogram, 28) == 32);   // sum
  CHECK(double_at(histogram, 37) == 902);  // sum of squares
  const auto limits = packed_doubles(fields(histogram.substr(45), 6).at(0));
  const auto counts = packed_doubles(fields(histogram.substr(45), 7).at(0));
  REQUIRE(limits.size() == 30);
  REQUIRE(counts.size() == 30);
  for (size_t i = 0; i < 30; ++i) {
    CHECK(std::abs(limits[i] - static_cast<double>(i + 1)) < 1e-12);
    CHECK(counts[i] == (i == 0 ? 1 : i == 1 ? 2 : i == 29 ? 1 : 0));
  }
}

TEST_CASE("histograms of equal, huge and unusable values", "[tensorboard]") {
  const std::string equal = histogram_of({3, 3});
  CHECK(packed_doubles(fields(equal.substr(45), 6).at(0)) == std::vector<double>{3});
  CHECK(packed_doubles(fields(equal.substr(45), 7).at(0)) == std::vector<double>{2});
  const double huge = std::numeric_limits<double>::max();
  const std::string wide = histogram_of({-huge, huge, std::nan(""), INFINITY});
  const auto limits = packed_doubles(fields(wide.substr(45), 6).at(0));
  for (const double limit : limits) CHECK(std::isfinite(limit));
  CHECK(double_at(wide, 19) == 2);
  EventSummary summary;
  summary.add_histogram("h", {});
  summary.add_histogram("h", {std::nan("")});
  CHECK(summary.empty());
}

TEST_CASE("an event's step and first tag are read back", "[tensorboard]") {
  EventSummary summary;
  summary.add_scalar("a/b", 1);
  summary.add_scalar("c", 2);
  const EventHead head = read_event_head(summary.event(1, 1'000'000'000'000), "x");
  CHECK(head.step == 1'000'000'000'000);
  CHECK(head.first_tag == "a/b");
  CHECK(read_event_head(file_version_event(1), "x").first_tag.empty());
  CHECK(read_event_head("", "x").first_tag.empty());
  CHECK(contains(message_of<DataError>([] { read_event_head("\x2a\x7f", "x"); }), "x: "));
}

TEST_CASE("the reader gives events back and stops at damage", "[tensorboard]") {
  const test::TempDir folder;
  const std::string path = folder / "events";
  const std::string records = event_record("first") + event_record("") + event_record("third");
  test::write_file(path, records);
  EventReader reader(path);
  CHECK(reader.next() == "first");
  CHECK(reader.next() == "");
  CHECK(reader.next() == "third");
  CHECK_FALSE(reader.next());

  const size_t whole = event_record("first").size();
  for (size_t length = 0; length <= records.size(); ++length) {
    test::write_file(path, records.substr(0, length));
    EventReader cut(path);
    CHECK(cut.next().has_value() == (length >= whole));
    while (cut.next()) {
    }
  }
  for (size_t at = 0; at < whole; ++at) {
    std::string damaged = records;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    test::write_file(path, damaged);
    CHECK(contains(message_of<DataError>([&] { EventReader(path).next(); }),
                   "the record at byte 0 is damaged"));
  }
  CHECK_THROWS_AS(EventReader(folder / "none"), DataError);
}

TEST_CASE("a record that claims to be huge takes no memory", "[tensorboard]") {
  const test::TempDir folder;
  // 63 MiB with the right checksum (of TensorBoard's masked_crc32c), in a file of 12 bytes.
  std::string head = event_record(std::string(63 << 20, 'x')).substr(0, 12);
  test::write_file(folder / "events", head);
  CHECK_FALSE(EventReader(folder / "events").next());
}

}  // namespace
}  // namespace pgtrain
