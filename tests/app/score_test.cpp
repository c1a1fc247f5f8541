// pgtrain score: the values themselves are checked in tests/similarity.
#include "experiment.h"

using namespace pgtrain::test;
using nlohmann::json;

namespace {

// The first three golden sentences and their references.
constexpr const char* kHypotheses =
    "The cat sat on the mat.\nthe the the the\nHello, world! It's 3.14-ish & 1,000.\n";
constexpr const char* kReferences =
    "The cat sat on a mat.\nthe cat is on the mat\nHello world, it's 3.14 & 1,000!\n";

class Files {
 public:
  Files() {
    write_file(folder_ / "hyp.txt", kHypotheses);
    write_file(folder_ / "ref.txt", kReferences);
  }
  ProcessResult score(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), "score");
    ProcessOptions options;
    options.directory = folder_.path().string();
    options.input = input;
    return run_pgtrain(arguments, options);
  }
  void write(const std::string& name, const std::string& bytes) const {
    write_file(folder_ / name, bytes);
  }

 private:
  TempDir folder_;
};

}  // namespace

TEST_CASE("score: corpus values of sacreBLEU, with its signatures, from standard input") {
  const ProcessResult result = Files().score({"--references", "ref.txt", "--json"}, kHypotheses);
  REQUIRE(result.code == 0);
  const json list = json::parse(result.out);
  REQUIRE(list.size() == 3);
  CHECK(close(list[0]["score"], 20.3804097167));
  CHECK(close(list[1]["score"], 48.7678144094));
  CHECK(close(list[2]["score"], 50.0));
  CHECK(list[0]["signature"] == "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp");
  CHECK(list[0]["segments"] == 3);
}

TEST_CASE("score: a line for each text, in columns or as JSON, whatever the threads") {
  const Files files;
  const std::vector<std::string> arguments = {"-i",     "hyp.txt", "-r",  "ref.txt",   "-m",
                                              "chrf++", "ter",     "wer", "--per-line"};
  const ProcessResult columns = files.score(arguments);
  CHECK(contains(columns.out, "72.659104288637"));
  CHECK(std::count(columns.out.begin(), columns.out.end(), '\t') == 6);
  auto more = arguments;
  more.insert(more.end(), {"--threads", "3", "--json"});
  const auto lines = json_lines(files.score(more).out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["line"] == 2);
  CHECK(close(lines[1]["ter"], 66.6666666667));
}

TEST_CASE("score: several references, Windows line ends and a last line without end") {
  const Files files;
  files.write("crlf.txt", "a b c d\r\nx");
  files.write("one.txt", "a b c e\nx\n");
  files.write("two.txt", "a b c d\ny\n");
  const auto lines = json_lines(files
                                    .score({"-i", "crlf.txt", "-r", "one.txt", "two.txt", "-m",
                                            "bleu", "--per-line", "--json"})
                                    .out);
  REQUIRE(lines.size() == 2);
  CHECK(close(lines[0]["bleu"], 100));
  CHECK(close(lines[1]["bleu"], 100));
}

TEST_CASE("score: options reach the metrics, and those without effect are refused") {
  const Files files;
  const auto bleu = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"-i", "hyp.txt", "-r", "ref.txt", "-m", "bleu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return files.score(arguments);
  };
  CHECK(bleu({"--tokenize", "char"}).out != bleu({}).out);
  CHECK(contains(bleu({"--tokenize", "char"}).out, "tok:char"));
  CHECK(contains(bleu({"--set", "smooth_method=floor"}).out, "smooth:floor[0.10]"));
  const ProcessResult unused = bleu({"--use-stemmer"});
  CHECK(unused.code == 2);
  CHECK(contains(unused.err, "'use_stemmer' has no effect on bleu"));
  const ProcessResult unknown = bleu({"--set", "tokenise=zh"});
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "did you mean 'tokenize'"));
}

TEST_CASE("score: bad input names file and line") {
  const Files files;
  files.write("short.txt", "one line\n");
  files.write("latin1.txt", "fine\nfine\ncaf\xE9\n");
  files.write("empty.txt", "");
  const ProcessResult lines = files.score({"-i", "hyp.txt", "-r", "short.txt"});
  CHECK(lines.code == 4);
  CHECK(contains(lines.err, "short.txt has 1 lines, the hypotheses have 3"));
  const ProcessResult bytes = files.score({"-i", "latin1.txt", "-r", "ref.txt"});
  CHECK(bytes.code == 4);
  CHECK(contains(bytes.err, "latin1.txt:3: is not UTF-8 at byte 4"));
  CHECK(files.score({"-i", "empty.txt", "-r", "empty.txt"}).code == 4);
  CHECK(files.score({"-i", "nowhere.txt", "-r", "ref.txt"}).code == 4);
  CHECK(files.score({"-i", "-", "-r", "-"}).code == 2);
  CHECK(files.score({"-i", "hyp.txt", "-r", "ref.txt", "-m", "meteor"}).code == 2);
}
