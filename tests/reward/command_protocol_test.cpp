#include "reward/command_protocol.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;
using test::contains;
using test::message_of;

Record record_of(const std::string& prompt, std::vector<std::string> targets) {
  Record record;
  record.prompt = prompt;
  record.targets = std::move(targets);
  record.fields = {{"prompt", prompt}, {"level", 3}};
  return record;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What is wrong with the only answer to the request 5.
std::string complaint(const std::string& answer) {
  return message_of<DataError>([&] { AnswerSheet(5, 1).add(answer); });
}

TEST_CASE("command protocol: a request holds the texts, the record and the end of the batch",
          "[reward]") {
  const Record first = record_of("2+2", {"4", "four"});
  const Record second = record_of("", {"x"});
  const std::string text = request_lines({{&first, "5"}, {&first, "4"}, {&second, ""}}, 7);
  CHECK(text.back() == '\n');
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        R"({"id":7,"completion":"5","prompt":"2+2","target":"4","targets":["4","four"],)"
        R"("fields":{"level":3,"prompt":"2+2"},"batch_end":false})");
  CHECK(Json::parse(lines[1])["id"] == 8);
  CHECK(Json::parse(lines[1])["completion"] == "4");
  CHECK(Json::parse(lines[1])["batch_end"] == false);
  CHECK(Json::parse(lines[2])["target"] == "x");
  CHECK(Json::parse(lines[2])["batch_end"] == true);
}

TEST_CASE("command protocol: requests are ASCII, and bytes that are not UTF-8 become U+FFFD",
          "[reward]") {
  const Record record = record_of("\xE4\xBD\xA0\n\"", {"\xF0\x9F\x98\x80"});
  const std::string text = request_lines({{&record, "a\xFF\xE4\xBD"}}, 0);
  CHECK(std::all_of(text.begin(), text.end(),
                    [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7F); }));
  CHECK(lines_of(text).size() == 1);
  const Json request = Json::parse(text);
  CHECK(request["prompt"] == record.prompt);
  CHECK(request["target"] == record.targets[0]);
  CHECK(request["fields"]["prompt"] == record.prompt);
  CHECK(request["completion"] == "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("command protocol: answers may come in any order and with more than was asked",
          "[reward]") {
  AnswerSheet sheet(10, 3);
  sheet.add(R"({"id": 12, "reward": -1e-3, "parts": {"b": 1, "a": 0.5}})");
  sheet.add("\t{\"reward\": 2, \"id\": 10, \"note\": [null, {}]} \r");
  CHECK(sheet.answered() == 2);
  CHECK_FALSE(sheet.is_complete());
  sheet.add(R"({"id": 11, "reward": 0.1, "parts": {}})");
  CHECK(sheet.is_complete());
  const auto answers = sheet.take();
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].reward == 2.0);
  CHECK(answers[1].reward == 0.1);
  CHECK(answers[2].reward == -1e-3);
  CHECK(answers[1].parts.empty());
  CHECK(answers[2].parts == std::map<std::string, double>{{"a", 0.5}, {"b", 1.0}});
}

TEST_CASE("command protocol: a line that is not an answer is refused", "[reward]") {
  for (const char* line : {"Loading model...", "{\"id\": 5, \"reward\": 1", "{'id': 5}",
                           "{\"id\": 5, \"reward\": 1, \"note\": \"\xFF\"}", "   "})
    CHECK(contains(complaint(line), "not JSON"));
  CHECK(contains(complaint(std::string("{\"id\": 5, \"reward\": 1}\0", 23)), "not JSON"));
  CHECK(contains(complaint(""), "an empty line"));
  for (const char* line : {"0.5", "[5, 0.5]", "null", "\"x\""})
    CHECK(contains(complaint(line), "not an object like {\"id\": 17"));
}

TEST_CASE("command protocol: rewards must be finite numbers", "[reward]") {
  for (const char* value : {"NaN", "Infinity", "-Infinity"})
    CHECK(contains(complaint(std::string(R"({"id": 5, "reward": )") + value + "}"),
                   "NaN or Infinity, which JSON does not have (Python's json.dumps"));
  CHECK(contains(complaint(R"({"id": 5, "reward": 1e999})"), "too large"));
  CHECK(contains(complaint(R"({"id": 5})"), "without \"reward\""));
  CHECK(contains(complaint(R"({"id": 5, "reward": null})"), "the reward null"));
  CHECK(contains(complaint(R"({"id": 5, "reward": true})"), "not a number but boolean"));
  CHECK(contains(complaint(R"({"id": 5, "reward": "1"})"), "not a number but string"));
  CHECK(contains(complaint(R"({"id": 5, "reward": 1, "parts": [1]})"), "not an object"));
  CHECK(contains(complaint(R"({"id": 5, "reward": 1, "parts": {"a": null}})"),
                 "part \"a\" that is not a number but null"));
}

TEST_CASE("command protocol: an answer belongs to one request of the batch", "[reward]") {
  for (const char* id : {"4", "6", "-1", "-9223372036854775808", "18446744073709551615"})
    CHECK(contains(complaint(std::string(R"({"reward": 1, "id": )") + id + "}"),
                   std::string("answered id ") + id + ", which it was not asked (only 5 to 5)"));
  for (const char* id : {"5.0", "\"5\"", "null", "true"})
    CHECK(contains(complaint(std::string(R"({"reward": 1, "id": )") + id + "}"),
                   "not the integer of the request"));
  CHECK(contains(complaint(R"({"reward": 1})"), "without \"id\""));
  AnswerSheet sheet(5, 2);
  sheet.add(R"({"id": 6, "reward": 1})");
  CHECK(message_of<DataError>([&] { sheet.add(R"({"id": 6, "reward": 1})"); }) ==
        "answered id 6 twice");
}

TEST_CASE("command protocol: inputs without record or target are bugs", "[reward]") {
  const Record empty;
  CHECK_THROWS_AS(request_lines({{&empty, "a"}}, 0), InternalError);
  CHECK_THROWS_AS(request_lines({{nullptr, "a"}}, 0), InternalError);
}

}  // namespace
}  // namespace pgtrain
