#include "text/prompt_template.h"

#include "core/error.h"
#include "support/support.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using test::contains;
using test::message_of;

std::string render(const std::string& source, const json& record) {
  return PromptTemplate(source).render(record, "a.jsonl:7");
}

std::string config_error(const std::string& source) {
  return message_of<ConfigError>([&] { PromptTemplate{source}; });
}

std::string data_error(const std::string& source, const json& record) {
  return message_of<DataError>([&] { render(source, record); });
}

TEST_CASE("prompt template: fields, literal text and braces", "[text]") {
  const json record = {{"source", "a {b}"},
                       {"n", 7},
                       {"x", 0.5},
                       {"yes", true},
                       {"meta", {{"author", "\u5f20"}, {"deep", {{"er", "d"}}}}},
                       {"", "no"},
                       {" s ", "spaces"}};
  CHECK(render("Translate: {source}\nFrench:", record) == "Translate: a {b}\nFrench:");
  CHECK(render("{n} {x} {yes}", record) == "7 0.5 true");
  CHECK(render("{meta.author}{meta.deep.er}", record) ==
        "\u5f20"
        "d");
  CHECK(render("{{{n}}} {{}} }}{{", record) == "{7} {} }{");
  CHECK(render("{ s }", record) == "spaces");
  CHECK(render("plain", record) == "plain");
  CHECK(render("", record).empty());
}

TEST_CASE("prompt template: text of a field is never read as a template", "[text]") {
  CHECK(render("{a}{b}", {{"a", "{b}"}, {"b", "{{"}}) == "{b}{{");
}

TEST_CASE("prompt template: syntax errors name the column", "[text]") {
  CHECK(contains(config_error("ab{c"), "column 3: \"{\" without \"}\""));
  CHECK(contains(config_error("\u4f60\u597d}x"), "column 3: \"}\" without \"{\""));
  CHECK(contains(config_error("{}"), "column 2: the name of a field is empty"));
  CHECK(contains(config_error("{a..b}"), "column 4: the name of a field is empty"));
  CHECK(contains(config_error("{a.}"), "column 4"));
  CHECK(contains(config_error("{a{b}}"), "column 1: \"{\" without \"}\""));
  CHECK(contains(config_error("{{{"), "column 3"));
  CHECK(contains(config_error("a\xFF"), "column 2: invalid UTF-8"));
}

TEST_CASE("prompt template: missing and unprintable fields name the record", "[text]") {
  const json record = {
      {"source", "s"}, {"meta", {{"author", "a"}}}, {"list", {1}}, {"none", nullptr}};
  CHECK(data_error("{sorce}", record) ==
        "a.jsonl:7: the prompt template needs the field \"sorce\"; found: \"list\", \"meta\", "
        "\"none\", \"source\"; did you mean \"source\"?");
  CHECK(contains(data_error("{meta.year}", record), "\"meta.year\"; found: \"author\""));
  CHECK(contains(data_error("{source.x.y}", record), "\"source.x.y\", but \"source\" is string"));
  CHECK(contains(data_error("{list}", record), "field \"list\" of the prompt template must be"));
  CHECK(contains(data_error("{none}", record), "not null"));
  CHECK(contains(data_error("{meta}", record), "not object"));
  CHECK(contains(data_error("{a}", json::object()), "found: nothing"));
  CHECK(contains(data_error("{a}", json::array()), "the record is array"));
}

}  // namespace
}  // namespace pgtrain
