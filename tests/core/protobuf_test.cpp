// Expected bytes: the examples of the protocol buffers encoding guide, and IEEE 754 by hand.
#include "core/error.h"
#include "core/protobuf_reader.h"
#include "core/protobuf_writer.h"
#include "support/support.h"

namespace pgtrain {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

TEST_CASE("protobuf writer: known encodings", "[protobuf]") {
  CHECK(ProtobufWriter().varint(1, 150).message() == bytes({0x08, 0x96, 0x01}));
  CHECK(ProtobufWriter().bytes(2, "testing").message() == bytes({0x12, 7}) + "testing");
  CHECK(ProtobufWriter().varint(1, ~uint64_t{0}).message() ==
        bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  CHECK(ProtobufWriter().varint(16, 0).message() == bytes({0x80, 0x01, 0}));
  CHECK(ProtobufWriter().float32(2, 0.25F).message() == bytes({0x15, 0, 0, 0x80, 0x3e}));
  CHECK(ProtobufWriter().float64(1, 1.5).message() == bytes({0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f}));
  CHECK(ProtobufWriter().packed_float64(6, {1.5}).message() ==
        bytes({0x32, 8, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f}));
}

TEST_CASE("protobuf: what is written is read", "[protobuf]") {
  ProtobufWriter writer;
  writer.varint(1, 300).bytes(2, "").float32(3, -2.5F).varint(4, 0);
  ProtobufReader reader(writer.message(), "x");
  REQUIRE(reader.next());
  CHECK(reader.varint() == 300);
  REQUIRE(reader.next());
  CHECK(reader.bytes().empty());
  REQUIRE(reader.next());
  CHECK(reader.float32() == -2.5F);
  REQUIRE(reader.next());
  CHECK(reader.varint() == 0);
  CHECK_FALSE(reader.next());
}

}  // namespace
}  // namespace pgtrain
