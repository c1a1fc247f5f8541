#include "config/yaml_source.h"

#include "sample_options.h"

namespace pgtrain::test {
namespace {

const std::string kData = "data: {train: t}\n";

std::string repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST_CASE("yaml: duplicate keys, also in nested and flow blocks", "[config]") {
  CHECK(error_of(kData + "train: {steps: 1}\ntrain: {name: x}\n") ==
        "exp.yaml:3:1: error: duplicate key 'train'; it was first set in line 2\ntrain: {name: "
        "x}\n^");
  CHECK(contains(error_of(kData + "train: {steps: 1, name: y, steps: 2}\n"),
                 "exp.yaml:2:28: error: duplicate key 'steps'"));
  CHECK(contains(error_of(kData + "train:\n  steps: 1\n  'steps': 2\n"),
                 "exp.yaml:4:3: error: duplicate key 'steps'"));
}

TEST_CASE("yaml: merge keys, other documents and foreign tags are refused", "[config]") {
  CHECK(contains(error_of(kData + "base: &b {steps: 1}\ntrain:\n  <<: *b\n"),
                 "exp.yaml:4:3: error: the merge key '<<' is not supported"));
  CHECK(contains(error_of(kData + "---\ntrain: {steps: 1}\n"),
                 "exp.yaml:2:1: error: a second document starts here"));
  CHECK(contains(error_of(kData + "train: {steps: !mine 1}\n"),
                 "the YAML tag '!mine' is not supported"));
  CHECK(contains(error_of(kData + "train: !!set {steps: 1}\n"), "is not supported"));
  CHECK(contains(error_of(kData + "train: {steps: !!str 5}\n"), "not the text '5'"));
}

TEST_CASE("yaml: keys are names", "[config]") {
  CHECK(contains(error_of(kData + "? [a, b]\n: 1\n"), "a key must be a name, not a list"));
  CHECK(contains(error_of(kData + "? {a: b}\n: 1\n"), "a key must be a name, not a block of keys"));
  CHECK(contains(error_of(kData + "~: 1\n"), "a key must be a name, not nothing"));
  CHECK(contains(error_of(kData + "'': 1\n"), "a key must be a name"));
}

TEST_CASE("yaml: syntax errors have a place", "[config]") {
  CHECK(contains(error_of(kData + "train: {steps: 1\n"), "error: this is not valid YAML: "));
  CHECK(contains(error_of("data: {train: t}\ntrain:\n\tsteps: 1\n"), "exp.yaml:3:"));
  CHECK(contains(error_of(kData + "train: a: b\n"), "exp.yaml:2:9: error: this is not valid YAML"));
  CHECK(
      contains(error_of(kData + "train: *none\n"), "exp.yaml:2:8: error: this is not valid YAML"));
  CHECK(contains(error_of(kData + "train: \"abc\n"),
                 "exp.yaml:2:8: error: this is not valid YAML: the quote that starts here"));
  CHECK(contains(error_of(kData + "train: {name: &a !!str 'it''s\n"), "is never closed"));
  CHECK(contains(error_of(kData + "train: \"a\\\""), "this is not valid YAML"));
  CHECK(load_sample("train: {name: &a 'it''s', tags: [\"\\\"\", '''']}\n").tags ==
        std::vector<std::string>{"\"", "'"});
  CHECK(contains(error_of(kData + "}\n"), "exp.yaml:2:1: error: this is not valid YAML"));
  CHECK(contains(error_of(",data: x\n"),
                 "exp.yaml:1:1: error: this is not valid YAML: it does not continue"));
  CHECK(contains(error_of(" data: {train: t}\ntrain: {steps: 1}\n"),
                 "exp.yaml:2:1: error: this is not valid YAML: it does not continue what is above; "
                 "check the indentation"));
  CHECK(contains(error_of(kData + "train: @x\n"), "this is not valid YAML"));
}

TEST_CASE("yaml: the file as a whole", "[config]") {
  CHECK(error_of("") == "exp.yaml: error: the file holds no keys");
  CHECK(contains(error_of("# only a comment\n"), "the file holds no keys"));
  CHECK(contains(error_of("---\n...\n"), "the file holds no keys"));
  CHECK(contains(error_of("just text\n"),
                 "exp.yaml:1:1: error: expected 'key: value' lines, got 'just text'"));
  CHECK(contains(error_of("- a\n- b\n"), "expected 'key: value' lines, got a list"));
  CHECK(contains(error_of(kData + "train: {name: \xc3\x28}\n"),
                 "exp.yaml: error: line 2 is not valid UTF-8 (byte 32)"));
  CHECK(contains(error_of("\xff\xfe"
                          "d\0a\0"),
                 "not valid UTF-8"));
  CHECK(contains(error_of(std::string("data: {train: \0}", 16)), "control character"));
  CHECK(
      contains(error_of(kData + "train: {name: \x1b[31m}\n"), "line 2 holds a control character"));
  CHECK(contains(error_of(kData + "#" + std::string(1 << 20, 'x')),
                 "larger than the limit of 1048576 bytes"));
}

TEST_CASE("yaml: a missing file and a folder", "[config]") {
  ConfigFolder folder;
  Sample sample;
  CHECK(contains(message_of<ConfigError>([&] { load(sample.root, {folder.path("none.yaml")}); }),
                 "none.yaml: error: cannot open: No such file or directory"));
  CHECK(contains(message_of<ConfigError>([&] { load(sample.root, {folder.path("")}); }),
                 "is a folder"));
}

TEST_CASE("yaml: depth is limited", "[config]") {
  CHECK(contains(error_of(kData + "train: " + repeat("[", 63) + repeat("]", 63)), "not a list"));
  CHECK(contains(error_of(kData + "train: " + repeat("[", 64) + repeat("]", 64)),
                 "nested deeper than 64 levels"));
  CHECK(contains(error_of(kData + "train: " + repeat("{a: ", 64) + repeat("}", 64)),
                 "nested deeper than 64 levels"));
  CHECK(
      contains(error_of(kData + "train: " + repeat("[", 100000)), "nested deeper than 64 levels"));
  CHECK(contains(error_of(kData + repeat("- ", 1000)), "error: "));
}

TEST_CASE("yaml: aliases cannot blow up, nest too deep or contain themselves", "[config]") {
  std::string bomb = kData + "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(last + ", ", 9) +
            last + "]\n";
  }
  CHECK(contains(error_of(bomb), "more than 20000 values"));
  std::string tower = kData + "a0: &a0 [x]\n";
  for (int i = 1; i < 70; ++i)
    tower += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  CHECK(contains(error_of(tower), "nested deeper than 64 levels"));
  CHECK(contains(error_of(kData + "a: &a [*a]\n"),
                 "an alias cannot stand inside the value it names"));
}

TEST_CASE("yaml: many values and many wrong keys are handled in short time", "[config]") {
  std::string many = kData;
  for (int i = 0; i < 15000; ++i) many += "key" + std::to_string(i) + ": 1\n";
  const std::string message = error_of(many);
  CHECK(contains(message, "unknown key 'key0'"));
  CHECK(contains(message, "and 14950 more errors"));
  CHECK(contains(error_of(kData + "train: {tags: [" + repeat("a,", 30000) + "]}"),
                 "more than 20000 values"));
}

TEST_CASE("yaml: every prefix of a file and every changed byte loads or gives a ConfigError",
          "[config]") {
  const std::string good =
      "# \xc3\xa9\ndata: {train: &t \"a\\x41\"}\ntrain:\n  steps: 1e2\n  tags: [x, *t]\nreward:\n  "
      "- {weight: 2}\n  - metric: |\n"
      "      exact_match\n...\n";
  const auto attempt = [](const std::string& text) {
    Sample sample;
    ConfigFolder folder;
    try {
      load(sample.root, {folder.write("f.yaml", text)});
    } catch (const ConfigError& e) {
      CHECK(contains(e.what(), ": error: "));
    }
  };
  for (size_t length = 0; length <= good.size(); ++length) attempt(good.substr(0, length));
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char c : std::string("\0\n :-[]{}\"*&!|>?,#\x80", 18)) {
      std::string changed = good;
      changed[at] = c;
      attempt(changed);
    }
  }
}

TEST_CASE("characters: the limits of UTF-8", "[config]") {
  for (const char* good : {"\x7e", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK_NOTHROW(check_characters(good));
  for (const char* bad :
       {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x7f"}) {
    INFO(bad);
    CHECK_THROWS_AS(check_characters(bad), ConfigError);
  }
}

}  // namespace
}  // namespace pgtrain::test
