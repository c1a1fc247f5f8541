#include "report/text_diff.h"

#include "core/rng.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Runs = std::vector<DiffRun>;

// "=same -gone +new", one run after the other.
std::string show(const Runs& runs) {
  std::string out;
  for (const DiffRun& run : runs) {
    out += run.edit == Edit::kEqual ? '=' : run.edit == Edit::kDelete ? '-' : '+';
    for (const char32_t c : run.text) out += c < 0x80 ? static_cast<char>(c) : '?';
    out += ' ';
  }
  return out;
}

std::u32string side(const Runs& runs, Edit left_out) {
  std::u32string text;
  for (const DiffRun& run : runs)
    if (run.edit != left_out) text += run.text;
  return text;
}

void check_laws(const std::u32string& from, const std::u32string& to) {
  const Runs runs = diff_texts(from, to);
  CHECK(side(runs, Edit::kInsert) == from);
  CHECK(side(runs, Edit::kDelete) == to);
  for (size_t i = 0; i < runs.size(); ++i) {
    CHECK_FALSE(runs[i].text.empty());
    if (i == 0) continue;
    CHECK(runs[i].edit != runs[i - 1].edit);
    CHECK_FALSE((runs[i].edit == Edit::kDelete && runs[i - 1].edit == Edit::kInsert));
  }
  Runs back = diff_texts(to, from);
  // The other direction, its kinds exchanged and each deletion before its insertion again.
  for (DiffRun& run : back)
    if (run.edit != Edit::kEqual)
      run.edit = run.edit == Edit::kDelete ? Edit::kInsert : Edit::kDelete;
  for (size_t i = 1; i < back.size(); ++i)
    if (back[i].edit == Edit::kDelete && back[i - 1].edit == Edit::kInsert)
      std::swap(back[i], back[i - 1]);
  CHECK(show(back) == show(runs));
}

TEST_CASE("diff: by hand", "[report]") {
  CHECK(diff_texts(U"", U"").empty());
  CHECK(show(diff_texts(U"same", U"same")) == "=same ");
  CHECK(show(diff_texts(U"", U"new")) == "+new ");
  CHECK(show(diff_texts(U"gone", U"")) == "-gone ");
  CHECK(show(diff_texts(U"the cat sat", U"the dog sat")) == "=the  -cat +dog = sat ");
  CHECK(show(diff_texts(U"color", U"colour")) == "=colo +u =r ");
  CHECK(show(diff_texts(U"abcdefgh", U"abXdefgh")) == "=ab -c +X =defgh ");
}

TEST_CASE("diff: single letters that unrelated words share are no match", "[report]") {
  CHECK(show(diff_texts(U"one xyavier two", U"one bbanana two")) ==
        "=one  -xyavier +bbanana = two ");
}

TEST_CASE("diff: a combining mark stays with its letter", "[report]") {
  const Runs runs = diff_texts(U"cafe\u0301 noir", U"cafe noir");
  REQUIRE(runs.size() == 4);
  CHECK(runs[1].text == U"e\u0301");
  CHECK(runs[2].text == U"e");
}

TEST_CASE("diff: laws on random texts", "[report]") {
  const Rng rng(7, Purpose::kSample);
  uint64_t draw = 0;
  const auto next = [&](uint64_t below) {
    return static_cast<uint64_t>(rng.uniform(draw++) * static_cast<double>(below));
  };
  for (int round = 0; round < 300; ++round) {
    std::u32string from;
    std::u32string to;
    for (uint64_t i = next(40); i > 0; --i) from += static_cast<char32_t>(U'a' + next(4));
    to = from;
    for (uint64_t i = next(12); i > 0; --i) {
      const auto at = static_cast<size_t>(next(to.size() + 1));
      if (next(2) == 0)
        to.insert(at, 1, static_cast<char32_t>(U'a' + next(5)));
      else if (at < to.size())
        to.erase(at, 1 + next(3));
    }
    check_laws(from, to);
  }
}

TEST_CASE("diff: texts without end take bounded work", "[report]") {
  const std::u32string head(2000, U'x');
  const std::u32string a = head + std::u32string(200000, U'a') + U"tail";
  const std::u32string b = head + std::u32string(200000, U'b') + U"tail";
  const Runs runs = diff_texts(a, b);
  REQUIRE(runs.size() == 4);
  CHECK(runs[0].text == head);
  CHECK(runs[1].text == std::u32string(200000, U'a'));
  CHECK(runs[3].text == U"tail");
}

}  // namespace
}  // namespace pgtrain
