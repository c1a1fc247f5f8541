#include "report/report.h"

#include <regex>

#include "core/error.h"
#include "core/hash.h"
#include "report/report_page.h"
#include "report/report_run.h"
#include "support/support.h"
#include "text/base64.h"

namespace pgtrain {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHostile =
    "</script></style><script>document.title='x'</script><img src=x onerror=alert(1)>\" "
    "onload=\"alert(1)";

// JSON's \u escapes: overrides, marks, zero width, controls.
constexpr const char* kInvisible = R"(\u202e\u2066\u2069\u200e\u200f\u200b\ufeff\u0000\u001b[31m)";

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// For a JSON or double-quoted YAML string.
std::string quoted(std::string text) {
  replace_all(text, "\\", "\\\\");
  replace_all(text, "\"", "\\\"");
  return text;
}

// A run in which everything that can hold text holds the text (without backslashes).
void write_run(const fs::path& run, const std::string& evil) {
  fs::create_directories(run / "checkpoints/step-000002");
  fs::create_directory_symlink("step-000002", run / "checkpoints/best");
  const std::string name = quoted(evil);
  std::string group = name;
  replace_all(group, "/", "%2F");
  test::write_file(run / "config.yaml", "run: {name: \"" + name + "\"}\ndata: {train: \"" + name +
                                            "\"}\ntrain: {steps: 2}\nreward:\n"
                                            "  - {metric: edit_similarity, weight: 0.5, name: \"" +
                                            name + "\"}\n  - {metric: blocklist, words_file: w}\n");
  test::write_file(
      run / "metrics.jsonl",
      "{\"phase\":\"train\",\"step\":1,\"reward\":0.25,\"loss\":-1,\"num_tokens\":10,\"rewards/" +
          name +
          "/mean\":0.5,\"rewards/b/mean\":0}\n{\"phase\":\"train\",\"step\":2,\"reward\":"
          "0.75,\"loss\":null,\"num_tokens\":20}\n{\"phase\":\"eval\",\"step\":0,\"eval_reward\":"
          "0.125,\"eval_reward/by/" +
          group + "/" + name + "\":0.125,\"eval_reward/gap/" + group +
          "\":0.5}\n{\"phase\":\"eval\",\"step\":2,\"eval_reward\":0.625,\"eval_reward/by/" +
          group + "/" + name + "\":0.625,\"eval_reward/gap/" + group + "\":0.25}\n");
  const std::string text = name + kInvisible;
  std::string completions;
  for (const char* phase : {"\"eval\",\"step\":0", "\"eval\",\"step\":2", "\"train\",\"step\":2"})
    completions += std::string("{\"phase\":") + phase + ",\"line\":1,\"prompt\":\"" + text +
                   "\",\"completion\":\"" + text + "\",\"target\":\"" + text +
                   " end\",\"reward\":0.5,\"rewards/" + name +
                   "\":0.25,\"notes\":\"blocklist: " + text + "\",\"length\":7,\"finished\":0}\n";
  test::write_file(run / "completions.jsonl", completions);
  test::write_file(run / "timing.jsonl",
                   "{\"step\":1,\"step_time\":1.5,\"tokens_per_second\":100}\n"
                   "{\"step\":1,\"step_time\":2,\"tokens_per_second\":200}\n");
  test::write_file(run / "train.log",
                   "first " + evil + "\nx warning: \xFF\xE2\x80\xAE" + evil + "\n");
  test::write_file(run / "checkpoints/step-000002/manifest.json",
                   format_manifest({"0.0.7", {{"w" + std::string("<b>"), {7, sha256("w")}}}}));
}

// Reads a page strictly: every element that is opened is closed in order, quotes of attributes
// close, no other '<' or '&' stands anywhere. Returns the names of elements and attributes seen.
std::set<std::string> read_strictly(const std::string& page) {
  static const std::set<std::string> kVoid = {"meta"};
  const std::regex tag(R"(<(/?)([a-z][a-z0-9]*)((?: [a-zA-Z][a-zA-Z0-9-]*="[^"<>]*")*)>)");
  const std::regex attribute(R"( ([a-zA-Z][a-zA-Z0-9-]*)=\")");
  const std::regex reference("&(?!(amp|lt|gt|quot|#39);)");
  std::set<std::string> names;
  std::vector<std::string> open;
  size_t at = page.find("<html");
  REQUIRE(page.substr(0, at) == "<!DOCTYPE html>\n");
  while (at < page.size()) {
    std::smatch match;
    const std::string head = page.substr(at, page.find('>', at) + 1 - at);
    REQUIRE(std::regex_match(head, match, tag));
    const std::string name = match[2];
    names.insert(name);
    const std::string attributes = match[3];
    for (std::sregex_iterator i(attributes.begin(), attributes.end(), attribute), end; i != end;
         ++i)
      names.insert((*i)[1]);
    if (match[1].length() > 0) {
      REQUIRE(!open.empty());
      REQUIRE(open.back() == name);
      open.pop_back();
    } else if (kVoid.count(name) == 0) {
      open.push_back(name);
    }
    at += head.size();
    const bool is_raw = name == "style" || name == "script";
    const size_t next =
        is_raw && match[1].length() == 0 ? page.find("</" + name, at) : page.find('<', at);
    if (!is_raw) REQUIRE_FALSE(std::regex_search(page.substr(at, next - at), reference));
    if (next == std::string::npos) break;
    at = next;
  }
  CHECK(open.empty());
  return names;
}

TEST_CASE("report: a hostile run stays text", "[report]") {
  test::TempDir folder;
  write_run(folder.path() / "r", kHostile);
  const std::string page = report_page({folder.path() / "r"});
  const std::set<std::string> names = read_strictly(page);
  for (const char* name : {"img", "onerror", "onload", "iframe", "link", "src"})
    CHECK(names.count(name) == 0);
  CHECK(names.count("svg") == 1);
  const auto count = [&](const std::string& what) {
    size_t found = 0;
    for (size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1))
      ++found;
    return found;
  };
  CHECK(count("<script") == 1);
  CHECK(count("<style") == 1);
  for (const char* invisible : {"\u202E", "\u2066", "\u200E", "\u200F", "\u200B", "\uFEFF", "\x1B"})
    CHECK_FALSE(test::contains(page, invisible));
  CHECK(page.find('\0') == std::string::npos);
  CHECK(count("<span class=\"cp\">U+202E</span>") > 3);
  CHECK(test::contains(page, "\uFFFD"));  // of the log
}

TEST_CASE("report: every part of a run is there", "[report]") {
  test::TempDir folder;
  write_run(folder.path() / "r", "plain");
  const std::string page = report_page({folder.path() / "r"});
  for (const char* part : {"<h1>plain</h1>",
                           "0.1250 \u2192 0.6250",
                           "best 0.6250 at step 2",
                           "2 of 2",
                           "finished",
                           "3.5s",
                           "id=\"curves\"",
                           "id=\"completions\"",
                           "id=\"groups\"",
                           "id=\"words\"",
                           "id=\"warnings\"",
                           "id=\"configuration\"",
                           "id=\"origin\"",
                           "at step 0: reward 0.5000",
                           "record 1, 7 tokens, cut at the limit",
                           "\u00D7 0.5",
                           "0.1250</td>",
                           "<del> end</del>",
                           "pgtrain 0.0.7",
                           "Whole configuration",
                           "w&lt;b&gt;"})
    CHECK(test::contains(page, part));
  CHECK(test::contains(page, sha256("w")));
  CHECK(report_page({folder.path() / "r"}) == page);
  CHECK(test::contains(report_page({folder.path() / "r"}, "My <title>"),
                       "<h1>My &lt;title&gt;</h1>"));
}

TEST_CASE("report: only the page's own style and script are allowed, nothing is loaded",
          "[report]") {
  const std::string page = html_page("t", text("b"));
  read_strictly(page);
  const auto of = [&](const std::string& name) {
    const size_t begin = page.find("<" + name + ">") + name.size() + 2;
    return page.substr(begin, page.find("</" + name + ">") - begin);
  };
  const auto allowed = [&](const std::string& content) {
    std::string bytes;
    const std::string digits = sha256(content);
    for (size_t i = 0; i < digits.size(); i += 2)
      bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return "'sha256-" + encode_base64(bytes) + "'";
  };
  CHECK(test::contains(page, "default-src 'none'; style-src " + allowed(of("style")) +
                                 "; script-src " + allowed(of("script")) + ";"));
  for (const char* loading :
       {"url(", "import", "https:", "fetch", "XMLHttp", "innerHTML", "eval"}) {
    CHECK_FALSE(test::contains(kReportStyle, loading));
    CHECK_FALSE(test::contains(kReportScript, loading));
  }
}

TEST_CASE("report: a run that has only begun", "[report]") {
  test::TempDir folder;
  fs::create_directories(folder.path() / "r");
  test::write_file(folder / "r/config.yaml", "data: {train: t.jsonl}\n");
  const std::string page = report_page({folder.path() / "r"});
  read_strictly(page);
  CHECK(test::contains(page, "0 of 200"));
  CHECK(test::contains(page, "not finished"));
  for (const char* part : {"id=\"curves\"", "id=\"completions\"", "id=\"groups\"", "id=\"words\"",
                           "id=\"warnings\"", "<svg"})
    CHECK_FALSE(test::contains(page, part));
}

TEST_CASE("report: a damaged manifest is told, damaged rows are an error", "[report]") {
  test::TempDir folder;
  write_run(folder.path() / "r", "plain");
  test::write_file(folder / "r/checkpoints/step-000002/manifest.json", "{");
  CHECK(test::contains(report_page({folder.path() / "r"}), "class=\"bad\""));
  test::write_file(folder / "r/completions.jsonl", "{}\n[1\n");
  CHECK(test::contains(test::message_of<DataError>([&] { report_page({folder.path() / "r"}); }),
                       "completions.jsonl:2: is not JSON"));
}

TEST_CASE("report: several runs share curves and a table", "[report]") {
  test::TempDir folder;
  write_run(folder.path() / "a", "first");
  write_run(folder.path() / "b", "second");
  std::string config = test::read_file(folder / "b/config.yaml");
  replace_all(config, "weight: 0.5", "weight: 0.75");
  test::write_file(folder / "b/config.yaml", config);
  const std::string page = report_page({folder.path()});
  read_strictly(page);
  CHECK(test::contains(page, "<h1>2 runs</h1>"));
  CHECK(test::contains(page, "<th scope=\"col\">reward.0.weight</th>"));
  CHECK(test::contains(page, "<td>0.5</td>"));
  CHECK(test::contains(page, "<td>0.75</td>"));
  CHECK_FALSE(test::contains(page, "<th scope=\"col\">run.name</th>"));
  CHECK(test::contains(page, "<a href=\"#run-2\">second</a>"));
  CHECK(test::contains(page, "data-name=\"second\""));
  CHECK(test::contains(page, "Reward: held out"));
  write_run(folder.path() / "c", "first");
  CHECK(test::contains(report_page({folder.path() / "a", folder.path() / "c"}), "/c</a>"));
}

TEST_CASE("report: times and log of a run", "[report]") {
  test::TempDir folder;
  const std::string log = folder / "train.log";
  std::string bytes = std::string(300000, 'x') + "\n";
  for (int i = 0; i < 50; ++i) bytes += "t warning: " + std::to_string(i) + "\n";
  test::write_file(log, bytes + "last");
  const LogExcerpt excerpt = read_log(log);
  CHECK(excerpt.first == std::string(kMaxLogLine, 'x'));
  CHECK(excerpt.last == "last");
  CHECK(excerpt.warning_count == 50);
  REQUIRE(excerpt.warnings.size() == kMaxWarnings);
  CHECK(excerpt.warnings.back() == "t warning: 49");
  CHECK(read_log(folder / "none").first.empty());

  const std::string timing = folder / "timing.jsonl";
  test::write_file(timing,
                   "{\"step\":1,\"step_time\":1,\"tokens_per_second\":10}\n"
                   "{\"step\":2,\"step_time\":1,\"tokens_per_second\":20}\n"
                   "{\"step\":2,\"step_time\":3,\"tokens_per_second\":40}\n"
                   "{\"step\":3,\"step_time\":null,\"tokens_per_second\":null}\n{}\n");
  const RunTiming times = read_timing(timing);
  CHECK(times.seconds == 5);
  CHECK(times.tokens_per_second.steps == std::vector<int64_t>{1, 2});
  CHECK(times.tokens_per_second.values == std::vector<double>{10, 40});
}

}  // namespace
}  // namespace pgtrain
