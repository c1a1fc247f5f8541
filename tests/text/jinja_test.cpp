// The template language by hand; what jinja2 makes of it: chat_template_test.cpp.
#include "core/error.h"
#include "support/support.h"
#include "text/chat_template.h"

namespace pgtrain {
namespace {

using nlohmann::ordered_json;
using test::contains;
using test::message_of;

std::string run(const std::string& source, const std::string& variables = "{}") {
  return ChatTemplate(source).render({}, false, ordered_json::parse(variables));
}

std::string error(const std::string& source, const std::string& variables = "{}") {
  return message_of<ConfigError>([&] { run(source, variables); });
}

// What is wrong already when the template is read.
std::string parse_error(const std::string& source) {
  return message_of<ConfigError>([&] { ChatTemplate{source}; });
}

TEST_CASE("jinja: white space around tags", "[text]") {
  CHECK(run("a\n  {% if true %}\nb\n  {% endif %}\nc") == "a\nb\nc");
  CHECK(run("a\n  {%+ if true %}\nb{% endif +%}\nc") == "a\n  b\nc");
  CHECK(run("a \n {%- if true -%} \n b {{- 1 -}} \n c{% endif %}") == "ab1c");
  CHECK(run("  {{ 1 }}\n{{ 2 }}\n\n") == "  1\n2\n");
  CHECK(run("x {# note #}\ny") == "x y");
  CHECK(run("x\r\ny\rz\r\n") == "x\ny\nz");
  CHECK(run("{% raw %}{{ a }}{% endraw %}\nb") == "{{ a }}b");
  CHECK(run("{{ '\xC2\xA0' }}\xC2\xA0{%- if true %}{% endif %}") == "\xC2\xA0");
}

TEST_CASE("jinja: arithmetic and comparison as in Python", "[text]") {
  CHECK(run("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }}") == "3 -4 2 -2 3.5");
  CHECK(run("{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 1 + 2 * 3 - 4 }}") == "1024 0.5 3");
  CHECK(run("{{ 1 < 2 <= 2 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 == true }}") == "True False True");
  CHECK(run("{{ 'ab' * 2 ~ 1 }} {{ 'a' ~ 1 * 2 }} {{ [1] + [2] }} {{ -1|abs }}") ==
        "abab1 a2 [1, 2] 1");
}

TEST_CASE("jinja: numbers print as Python prints them", "[text]") {
  CHECK(run("{{ [1.0, 0.1, 1e16, 1e15, 1.5e-5, 0.0001, 123456789.125, -0.0] }}") ==
        "[1.0, 0.1, 1e+16, 1000000000000000.0, 1.5e-05, 0.0001, 123456789.125, -0.0]");
  CHECK(run("{{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 1.21|round(1, 'ceil') }}") ==
        "2.0 4.0 2.67 1.3");
}

TEST_CASE("jinja: undefined prints nothing and has nothing", "[text]") {
  CHECK(run("<{{ a }}{{ d.a }}{{ l[5] }}>{% for x in a %}x{% else %}none{% endfor %}",
            R"({"d": {}, "l": []})") == "<>none");
  CHECK(run("{{ a is defined }} {{ a|default('x') }} {{ ''|default('y', true) }} {{ a|length }}") ==
        "False x y 0");
  CHECK(error("x\n{{ a.b }}") == "chat template:2:5: \"a\" is undefined, so that it has no \"b\"");
  CHECK(contains(error("{{ m.a.b }}", R"({"m": {}})"), "\"a\" of a dict is undefined"));
  CHECK(contains(error("{{ a + 1 }}"), "\"+\" between \"a\" is undefined and int"));
  CHECK(contains(error("{{ f(1) }}"), "\"f\" is undefined cannot be called"));
}

TEST_CASE("jinja: scopes of loops, macros and namespaces", "[text]") {
  CHECK(run("{% set x = 0 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}") ==
        "120");
  CHECK(
      run("{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ "
          "n.x }}") == "3");
  CHECK(
      run("{% macro m(a, b='B') %}{{ a }}{{ b }}{{ t }}{% endmacro %}{% set t = 'T' %}{{ m(1) }}{{ "
          "m(b=2, a=3) }}{{ m() }}") == "1BT32TBT");
  CHECK(run("{% if true %}{% set y = 1 %}{% endif %}{{ y }}") == "1");
  CHECK(run("{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}") == "123");
  CHECK(contains(error("{% set a.b = 1 %}"), "\"a\" is no namespace"));
}

TEST_CASE("jinja: the object loop", "[text]") {
  CHECK(run("{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first "
            "}}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor "
            "%}") == "103TrueFalse3b;212FalseFalse3ac;321FalseTrue3b;");
  CHECK(run("{% for x in range(9) if x is odd %}{{ loop.index }}{{ x }}{{ loop.last }} {% endfor "
            "%}") == "11False 23False 35False 47True ");
  CHECK(
      run("{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break "
          "%}{% endif %}{{ x }}{% endfor %}") == "02");
  CHECK(
      run("{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.cycle('a', 'b') }} {% endfor %}") ==
      "Truea Falseb Truea ");
}

TEST_CASE("jinja: methods come before the keys of a dictionary", "[text]") {
  CHECK(run("{{ d.items is callable }} {{ d['items'] }} {{ d.get('x', 7) }}",
            R"({"d": {"items": 1}})") == "True 1 7");
}

TEST_CASE("jinja: tojson as json.dumps writes it", "[text]") {
  CHECK(
      run("{{ x|tojson }}", R"({"x": {"b": [1, 2.50, null, true, "é\"\\\n\u0001<"], "a": {}}})") ==
      "{\"b\": [1, 2.5, null, true, \"\xC3\xA9\\\"\\\\\\n\\u0001<\"], \"a\": {}}");
  CHECK(run("{{ x|tojson(indent=2, sort_keys=true, ensure_ascii=true) }}",
            "{\"x\": {\"b\": [1, []], \"a\": \"\\u00e9\\ud83d\\ude00\"}}") ==
        "{\n  \"a\": \"\\u00e9\\ud83d\\ude00\",\n  \"b\": [\n    1,\n    []\n  ]\n}");
  CHECK(contains(error("{{ u|tojson }}"), "\"u\" is undefined: not a value that JSON holds"));
}

TEST_CASE("jinja: generators give their items once", "[text]") {
  CHECK(run("{% set g = [1, 2, 3]|select %}{{ g|first }}{{ g|list }}{{ g|list }}") == "1[2, 3][]");
  CHECK(contains(error("{{ [1]|map('string') }}"), "cannot be printed"));
}

TEST_CASE("jinja: syntax errors name line and column", "[text]") {
  CHECK(parse_error("{{ 1 +") == "chat template:1:3: expression without end; \"}}\" is missing");
  CHECK(contains(parse_error("a\n{% if x %}b"), "2:11: \"{% endif %}\" is missing"));
  CHECK(contains(parse_error("{% endif %}"), "1:4: \"endif\" closes nothing here"));
  CHECK(contains(parse_error("{{ 'a }}"), "1:4: string without end"));
  CHECK(contains(parse_error("{# a"), "1:1: comment without end"));
  CHECK(contains(parse_error("{{ a b }}"), "1:6: expected }}, found \"b\""));
  CHECK(contains(parse_error("\xE4\xBD\xA0{{ ) }}"), "1:5: unexpected \")\""));
  CHECK(contains(parse_error("{% break %}"), "\"break\" outside of a loop"));
  CHECK(
      contains(parse_error("{% for x in y %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}"),
               "outside of a loop"));
  CHECK(contains(parse_error("{{ f(a=1, 2) }}"), "an argument without a name"));
  CHECK(contains(parse_error("\xFF"), "not valid UTF-8 at byte 0"));
}

TEST_CASE("jinja: what is not supported is refused by name", "[text]") {
  CHECK(contains(parse_error("{% include 'x' %}"), "the tag \"include\" is not supported"));
  CHECK(contains(parse_error("{% import 'x' as y %}"), "\"import\" is not supported"));
  CHECK(contains(parse_error("{% call m() %}{% endcall %}"), "\"call\" is not supported"));
  CHECK(contains(parse_error("{{ a|urlize }}"), "the filter \"urlize\" is not supported"));
  CHECK(contains(parse_error("{{ a is foo }}"), "the test \"foo\" is not supported"));
  CHECK(contains(parse_error("{{ f(*a) }}"), "not supported"));
  CHECK(contains(parse_error("{% for x in y recursive %}{% endfor %}"), "not supported"));
  CHECK(contains(error("{{ [1].append(2) }}"), "\"append\" of a list is not supported"));
  CHECK(contains(error("{{ 'a'.format(1) }}"), "\"format\" of a str is not supported"));
  CHECK(contains(error("{{ '%s' % 1 }}"), "formatting with % is not supported"));
  CHECK(contains(error("{{ ('a'|safe) + 'b' }}"), "text marked safe is not supported"));
  CHECK(contains(error("{{ {1: 2} }}"), "keys of a dictionary must be texts"));
}

TEST_CASE("jinja: nothing of Python is in reach", "[text]") {
  CHECK(run("{{ ''.__class__ }}{{ [].__class__ }}{{ {}.__init__ }}{{ x.__class__ }}", R"({"x": 1})")
            .empty());
  CHECK(contains(error("{{ ''.__class__.__mro__ }}"), "is undefined"));
  CHECK(contains(error("{{ open('/etc/passwd') }}"), "cannot be called"));
  CHECK(contains(error("{{ range.__globals__ }}"), "not supported"));
  CHECK(contains(error("{% set n = namespace() %}{% set n._x = 1 %}"), "must not begin with"));
}

TEST_CASE("jinja: integers beyond 64 bits are refused", "[text]") {
  CHECK(contains(error("{{ 9223372036854775807 + 1 }}"), "beyond 64 bits"));
  CHECK(contains(error("{{ 3 ** 99 }}"), "beyond 64 bits"));
  CHECK(contains(parse_error("{{ 9223372036854775808 }}"), "too large"));
  CHECK(contains(error("{{ (-9223372036854775807 - 1) // -1 }}"), "beyond 64 bits"));
  CHECK(contains(error("{{ -(-9223372036854775807 - 1) }}"), "beyond 64 bits"));
  CHECK(contains(error("{{ 1 // 0 }}"), "division by zero"));
  CHECK(contains(error("{{ 1.5 % 0 }}"), "division by zero"));
}

TEST_CASE("jinja: a template cannot run for ever", "[text]") {
  const std::string loops =
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  CHECK(contains(error(loops), "the template takes too"));
  CHECK(contains(error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "nest deeper than"));
  CHECK(contains(error("{{ range(100001) }}"), "more than 100000 numbers"));
}

TEST_CASE("jinja: comparing values that share their parts is bounded", "[text]") {
  const std::string twice =
      "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% "
      "set "
      "n.b = [n.b, n.b] %}{% endfor %}";
  CHECK(contains(error(twice + "{{ n.a == n.b }}"), "too many steps to compare"));
  CHECK(contains(error(twice + "{{ n.a in [n.b] }}"), "too many steps to compare"));
  CHECK(contains(error(twice + "{{ n.a < n.b }}"), "too many steps to compare"));
  CHECK(contains(error(twice + "{{ n.a }}"), "takes too"));
  CHECK(contains(error(twice + "{{ n.a|tojson }}"), "takes too"));
  CHECK(contains(
      error("{% set s = 'a' * 9000000 %}{% set t = 'a' * 9000000 %}{% for i in range(99999) "
            "%}{% if s == t %}{% endif %}{% endfor %}"),
      "too many steps to compare"));
}

TEST_CASE("jinja: a template cannot take all memory", "[text]") {
  CHECK(contains(error("{{ 'a' * 9000000000000000000 }}"), "too much memory"));
  CHECK(contains(error("{{ 'a' * 20000000 }}"), "exceeds"));
  CHECK(contains(error("{{ [1] * 4000000000 }}"), "too much memory"));
  CHECK(contains(error("{{ '' * 9000000000000000000 ~ [] * 9000000000000000000 ~ (1)|tojson(indent="
                       "900000000000) }}"),
                 "too much memory"));
  CHECK(contains(
      error("{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x "
            "%}{% endfor %}"),
      "exceeds"));
  CHECK(
      contains(error("{% set n = namespace(x=[]) %}{% for i in range(99) %}{% set n.x = [n.x] %}{% "
                     "endfor %}"),
               "nest deeper than"));
  CHECK(contains(error("{{ 'a'.replace('', 'x' * 9000000).replace('', 'y' * 9000000) }}"),
                 "too much memory"));
  CHECK(contains(error("{{ 'abc'|indent(900000000000) }}"), "too much memory"));
}

TEST_CASE("jinja: deep and long templates", "[text]") {
  const auto repeat = [](const std::string& unit, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += unit;
    return text;
  };
  CHECK(contains(parse_error("{{ " + repeat("(", 5000) + "1" + repeat(")", 5000) + " }}"),
                 "nested deeper"));
  CHECK(contains(parse_error("{{ " + repeat("not ", 5000) + "1 }}"), "nested deeper"));
  CHECK(contains(parse_error("{{ " + repeat("- ", 5000) + "1 }}"), "nested deeper"));
  CHECK(contains(parse_error("{{ 1" + repeat(" + 1", 5000) + " }}"), "nested deeper"));
  CHECK(contains(parse_error("{{ a" + repeat(".a", 5000) + " }}"), "nested deeper"));
  CHECK(contains(parse_error("{{ a" + repeat("|trim", 5000) + " }}"), "nested deeper"));
  CHECK(contains(parse_error("{{ a" + repeat(" is defined", 2) + " }}"), "cannot be chained"));
  CHECK(contains(parse_error(repeat("{% if a %}", 5000)), "nested deeper"));
  CHECK(contains(parse_error(repeat("{% for a in b %}", 5000)), "nested deeper"));
  CHECK(run(repeat("{% if a %}", 1) + repeat("{% elif a %}", 5000) + "{% endif %}").empty());
  CHECK(run("{{ ''" + repeat(" ~ 'a'", 5000) + " }}").size() == 5000);
  CHECK(contains(parse_error(std::string((1 << 20) + 1, 'x')), "a template may have"));
  CHECK(run(repeat("{{ 1 }}", 10000)).size() == 10000);
}

TEST_CASE("jinja: what keeps itself in a variable ends with the rendering", "[text]") {
  CHECK(run("{% set n = namespace() %}{% set n.n = n %}{% macro m() %}{% endmacro %}{% set n.m = m "
            "%}{% "
            "for x in [1] if true %}{% set n.l = loop %}{% endfor %}{{ n.l.last }}") == "True");
}

}  // namespace
}  // namespace pgtrain
