#include "core/hash.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::TempDir;

constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST_CASE("sha256 gives the known answers", "[core]") {
  // The examples of NIST for FIPS 180-4: the empty message, one block, two blocks and a million
  // letters.
  CHECK(sha256("") == kEmpty);
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a file has the hash of its bytes, whatever the block size", "[core]") {
  const TempDir dir;
  for (const size_t size :
       {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20, (size_t{1} << 21) + 5}) {
    const std::string bytes(size, '\xa5');
    test::write_file(dir / "f", bytes);
    const FileDigest digest = digest_file(dir / "f");
    CHECK(digest.bytes == size);
    CHECK(digest.sha256 == sha256(bytes));
  }
}

TEST_CASE("digest_file names a file that cannot be read", "[core]") {
  const TempDir dir;
  CHECK(test::contains(test::message_of<DataError>([&] { digest_file(dir / "none"); }),
                       "none: cannot open"));
  CHECK_THROWS_AS(digest_file(dir.path()), DataError);
}

}  // namespace
}  // namespace pgtrain
