#include "dataset/dataset.h"

#include <random>

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using test::contains;
using test::message_of;
using test::TempDir;
using test::write_file;
using Texts = std::vector<std::string>;

Dataset load(const std::string& name, const std::string& bytes,
             const std::string& prompt = "prompt", const std::string& target = "target") {
  TempDir directory;
  const std::string path = directory / name;
  write_file(path, bytes);
  return load_dataset(path, prompt, target);
}

// The message without the folder.
std::string error_of(const std::string& name, const std::string& bytes,
                     const std::string& prompt = "prompt", const std::string& target = "target") {
  const std::string message = message_of<DataError>([&] { load(name, bytes, prompt, target); });
  return message.substr(std::min(message.find(name), message.size()));
}

TEST_CASE("dataset jsonl: prompts, targets, fields and lines", "[dataset]") {
  const Dataset data = load("a.jsonl",
                            "{\"prompt\": \"p1\", \"target\": \"t1\", \"n\": 7}\n"
                            "\n"
                            "{\"target\": [\"x\", \"y\"], \"prompt\": \"\"}\n");
  REQUIRE(data.size() == 2);
  CHECK(data[0].prompt == "p1");
  CHECK(data[0].targets == Texts{"t1"});
  CHECK(data[0].fields["n"] == 7);
  CHECK(data[0].line == 1);
  CHECK(data[1].prompt.empty());
  CHECK(data[1].targets == Texts{"x", "y"});
  CHECK(data[1].line == 3);
  CHECK(contains(data.path, "a.jsonl"));
}

TEST_CASE("dataset jsonl: byte-order mark, CRLF, no last line break, .json", "[dataset]") {
  const Dataset data = load(
      "a.json", "\xEF\xBB\xBF{\"q\":\"p\",\"a\":\"t\"}\r\n  \r\n{\"q\":\"p2\",\"a\":\"t\\n2\"}",
      "q", "a");
  REQUIRE(data.size() == 2);
  CHECK(data[0].prompt == "p");
  CHECK(data[1].targets == Texts{"t\n2"});
}

TEST_CASE("dataset: an empty prompt field makes every prompt empty", "[dataset]") {
  CHECK(load("a.jsonl", "{\"target\": \"t\"}", "")[0].prompt.empty());
  CHECK(load("a.tsv", "target\nt\n", "")[0].prompt.empty());
  CHECK_THROWS_AS(load("a.jsonl", "{\"target\": \"t\"}", "prompt", ""), ConfigError);
}

TEST_CASE("dataset tsv: header, columns and lines", "[dataset]") {
  const Dataset data = load("a.tsv", "id\tprompt\ttarget\r\n1\tp \"q\"\tt\\n\r\n\r\n2\t\t\r\n");
  REQUIRE(data.size() == 2);
  CHECK(data[0].prompt == "p \"q\"");
  CHECK(data[0].targets == Texts{"t\\n"});
  CHECK(data[0].fields["id"] == "1");
  CHECK(data[1].prompt.empty());
  CHECK(data[1].targets == Texts{""});
  CHECK(data[1].line == 4);
}

TEST_CASE("dataset jsonl: errors name file, line and column", "[dataset]") {
  const std::string good = "{\"prompt\":\"p\",\"target\":\"t\"}\n";
  CHECK(contains(error_of("a.jsonl", good + "{\"prompt\": \"p\", oops}\n"),
                 "a.jsonl:2:17: bad JSON: "));
  // The column counts code points: two ideographs are six bytes.
  CHECK(contains(error_of("a.jsonl", "{\"\xE4\xBD\xA0\xE4\xBD\xA0\": \xFF}"),
                 "a.jsonl:1:8: invalid UTF-8 (byte 0xff)"));
  CHECK(
      contains(error_of("a.jsonl", "{\"\xE4\xBD\xA0\xE4\xBD\xA0\": ?}"), "a.jsonl:1:8: bad JSON"));
  CHECK(contains(error_of("a.jsonl", good + good + "[1, 2]\n"),
                 "a.jsonl:3:1: a line must be one JSON object, not array"));
  CHECK(contains(error_of("a.jsonl", "{\"prompt\": \"p\", \"target\": \"t\""), "a.jsonl:1:"));
  CHECK(contains(error_of("a.jsonl", good.substr(0, good.size() - 1) + good), "bad JSON"));
  CHECK(contains(error_of("a.jsonl", "{\"prompt\": 1e999, \"target\": \"\"}"), "a.jsonl:1:"));
  CHECK(contains(error_of("a.jsonl", "{\"prompt\": \"\\ud800\", \"target\": \"\"}"), "bad JSON"));
  CHECK(error_of("a.jsonl", "") == "a.jsonl:1:1: the file holds no records");
  CHECK(error_of("a.jsonl", "\n \n") == "a.jsonl:1:1: the file holds no records");
}

TEST_CASE("dataset jsonl: fields that are missing, of the wrong type or repeated", "[dataset]") {
  CHECK(error_of("a.jsonl", "{\"promt\": \"p\", \"target\": \"t\"}") ==
        "a.jsonl:1:1: no field \"prompt\"; found: \"promt\", \"target\"; did you mean \"promt\"?");
  CHECK(error_of("a.jsonl", "{\"prompt\": \"p\", \"x\": 1}") ==
        "a.jsonl:1:1: no field \"target\"; found: \"prompt\", \"x\"");
  CHECK(error_of("a.jsonl", "{}") == "a.jsonl:1:1: no field \"prompt\"; found: nothing");
  CHECK(error_of("a.jsonl", "{\"prompt\": 3, \"target\": \"t\"}") ==
        "a.jsonl:1:1: field \"prompt\" must be a string, not number");
  const std::string expected =
      "a.jsonl:1:1: field \"target\" must be a string or a non-empty array of strings, not ";
  CHECK(error_of("a.jsonl", "{\"prompt\": \"\", \"target\": null}") == expected + "null");
  CHECK(error_of("a.jsonl", "{\"prompt\": \"\", \"target\": []}") == expected + "an empty array");
  CHECK(error_of("a.jsonl", "{\"prompt\": \"\", \"target\": [\"a\", 1]}") ==
        expected + "an array with other values");
  CHECK(error_of("a.jsonl", "{\"prompt\": \"\", \"target\": \"\", \"prompt\": \"\"}") ==
        "a.jsonl:1:1: field \"prompt\" appears twice");
  CHECK(load("a.jsonl", "{\"prompt\": \"\", \"target\": \"\", \"x\": {\"prompt\": {\"x\": 1}}}")
            .size() == 1);
}

TEST_CASE("dataset jsonl: deep nesting is refused without using up the stack", "[dataset]") {
  const std::string deep(100000, '[');
  CHECK(
      contains(error_of("a.jsonl", "{\"prompt\": \"\", \"target\": " + deep), "nested too deeply"));
}

TEST_CASE("dataset tsv: errors name file, line and column", "[dataset]") {
  CHECK(error_of("a.tsv", "prompt\ttarget\np\tt\np\n") ==
        "a.tsv:3:1: the line has 1 columns, the header 2");
  CHECK(error_of("a.tsv", "prompt\ttarget\tprompt\n") ==
        "a.tsv:1:15: the header names \"prompt\" twice");
  CHECK(error_of("a.tsv", "prompt\t\ttarget\n") ==
        "a.tsv:1:8: the header has a column without a name");
  CHECK(
      error_of("a.tsv", "prompt\ttargets\n") ==
      "a.tsv:1:1: no field \"target\"; found: \"prompt\", \"targets\"; did you mean \"targets\"?");
  CHECK(error_of("a.tsv", "prompt\ttarget\n") == "a.tsv:1:1: the file holds no records");
  CHECK(error_of("a.tsv", "") == "a.tsv:1:1: the file holds no records");
  CHECK(error_of("a.tsv", "prompt\ttarget\nab\xC0\xAF\t\n") ==
        "a.tsv:2:3: invalid UTF-8 (byte 0xc0)");
}

TEST_CASE("dataset: files that cannot be read at all", "[dataset]") {
  CHECK(contains(error_of("a.csv", "x"), "unknown kind of file; allowed: .jsonl, .json, .tsv"));
  CHECK_THROWS_AS(load_dataset("no/such/file.jsonl", "prompt", "target"), DataError);
  TempDir directory;
  CHECK_THROWS_AS(load_dataset(directory / "", "prompt", "target"), DataError);
}

TEST_CASE("dataset: damaged files give records or a DataError with a place, never anything else",
          "[dataset]") {
  std::mt19937 random(9);
  const std::string json =
      "\xEF\xBB\xBF{\"prompt\": \"p\\u4f60\", \"target\": [\"t\", "
      "\"\xE4\xBD\xA0\"]}\r\n{\"prompt\":\"\",\"target\":\"t\"}\n";
  const std::string tsv = "prompt\ttarget\tx\np\t\xE4\xBD\xA0\t1\r\nq\tt\t2\n";
  TempDir directory;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = round % 2 ? json : tsv;
    const std::string path = directory / (round % 2 ? "f.jsonl" : "f.tsv");
    for (size_t edits = 1 + random() % 3; edits > 0 && !bytes.empty(); --edits) {
      const size_t i = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[i] = static_cast<char>(random() % 256);
          break;
        case 1:
          bytes.erase(i, 1 + random() % 4);
          break;
        case 2:
          bytes.resize(i);
          break;
        default:
          bytes.insert(i, 1, "\"{}[],:\t\n\\"[random() % 10]);
          break;
      }
    }
    write_file(path, bytes);
    try {
      const Dataset data = load_dataset(path, "prompt", "target");
      for (const Record& record : data.records)
        if (record.targets.empty()) FAIL("no target: " << bytes);
    } catch (const DataError& error) {
      if (!contains(error.what(), path + ":")) FAIL(error.what());
    }
  }
}

Dataset load_with_template(const std::string& name, const std::string& bytes,
                           const std::string& prompt_template) {
  TempDir directory;
  const std::string path = directory / name;
  write_file(path, bytes);
  return load_dataset(path, "prompt", "target", prompt_template);
}

TEST_CASE("dataset: a prompt template makes the prompt of the fields", "[dataset]") {
  const Dataset lines = load_with_template(
      "a.jsonl", "{\"s\": \"x\", \"n\": 2, \"target\": \"t\"}\n", "Say {s} {n}x:");
  CHECK(lines[0].prompt == "Say x 2x:");
  CHECK(lines[0].messages.empty());
  // The prompt field is not needed, neither in a header.
  CHECK(load_with_template("a.tsv", "s\ttarget\nx\tt\n", "<{s}>")[0].prompt == "<x>");
  CHECK(
      contains(message_of<DataError>([] {
                 load_with_template("a.jsonl", "\n{\"s\": \"x\", \"target\": \"t\"}\n", "{q}");
               }),
               "a.jsonl:2:1: the prompt template needs the field \"q\"; found: \"s\", \"target\""));
  CHECK(contains(message_of<ConfigError>([] { load_with_template("a.jsonl", "", "{"); }),
                 "data.prompt_template: prompt template, column 1"));
}

TEST_CASE("dataset jsonl: a prompt may be a conversation", "[dataset]") {
  const Dataset data = load("a.jsonl",
                            "{\"prompt\": [{\"role\": \"system\", \"content\": \"\"}, {\"role\": "
                            "\"user\", \"content\": \"hi\"}], \"target\": \"t\"}\n"
                            "{\"prompt\": \"p\", \"target\": \"t\"}\n");
  CHECK(data[0].messages == std::vector<ChatMessage>{{"system", ""}, {"user", "hi"}});
  CHECK(data[0].prompt.empty());
  CHECK(data[1].messages.empty());
}

TEST_CASE("dataset jsonl: conversations are checked", "[dataset]") {
  const auto error = [](const std::string& prompt) {
    return error_of("a.jsonl", "{\"prompt\": " + prompt + ", \"target\": \"t\"}");
  };
  CHECK(contains(error("[]"), "a.jsonl:1:1: field \"prompt\" has no messages"));
  CHECK(contains(error("[\"hi\"]"), "message 1 of field \"prompt\" must be an object"));
  CHECK(contains(error("[{\"role\": \"user\"}]"), "\"content\" must be a string, not missing"));
  CHECK(contains(error("[{\"role\": 1, \"content\": \"\"}]"),
                 "\"role\" must be a string, not number"));
  CHECK(contains(error("[{\"role\": \"\", \"content\": \"\"}]"), "\"role\" must not be empty"));
  CHECK(
      contains(error("[{\"role\": \"u\", \"content\": \"\"}, {\"role\": \"u\", \"content\": []}]"),
               "message 2 of field \"prompt\": \"content\" must be a string, not array"));
  CHECK(contains(error("[{\"role\": \"u\", \"content\": \"\", \"name\": \"n\"}]"),
                 "has the key \"name\"; allowed: role, content"));
}

}  // namespace
}  // namespace pgtrain
