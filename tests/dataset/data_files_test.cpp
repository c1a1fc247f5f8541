// The committed data sets are what data/README.md says.
#include <set>

#include "dataset/dataset.h"
#include "support/support.h"

namespace pgtrain {
namespace {

Dataset load(const std::string& name) {
  return load_dataset("data/" + name + ".jsonl", "prompt", "target");
}

// Prompts that both files have.
std::vector<std::string> shared_prompts(const Dataset& a, const Dataset& b) {
  std::set<std::string> prompts;
  for (const Record& record : a.records) prompts.insert(record.prompt);
  std::vector<std::string> shared;
  for (const Record& record : b.records)
    if (prompts.count(record.prompt)) shared.push_back(record.prompt);
  return shared;
}

TEST_CASE("data: number words have the stated counts and no number in both files", "[dataset]") {
  const Dataset train = load("number_words/train");
  const Dataset eval = load("number_words/eval");
  CHECK(train.size() == 6000);
  CHECK(eval.size() == 500);
  CHECK(shared_prompts(train, eval).empty());
  for (const Dataset* data : {&train, &eval})
    for (const Record& record : data->records) {
      const auto number = record.fields["number"].get<int64_t>();
      const auto language = record.fields["language"].get<std::string>();
      if (record.prompt != language + " " + std::to_string(number) || record.targets[0].empty())
        FAIL("line " << record.line);
    }
}

TEST_CASE("data: poems have the stated counts, whole couplets and no prompt in both files",
          "[dataset]") {
  const Dataset train = load("poems_zh/train");
  const Dataset eval = load("poems_zh/eval");
  CHECK(train.size() == 1673);
  CHECK(eval.size() == 193);
  CHECK(shared_prompts(train, eval).empty());
  for (const Dataset* data : {&train, &eval})
    for (const Record& record : data->records)  // 5 or 7 ideographs and a mark, three bytes each
      if (record.prompt.size() != record.targets[0].size() ||
          (record.prompt.size() != 18 && record.prompt.size() != 24))
        FAIL("line " << record.line);
}

}  // namespace
}  // namespace pgtrain
