#include "config/suggest.h"

#include "sample_options.h"

namespace pgtrain::test {
namespace {

TEST_CASE("typing distance: by hand", "[config]") {
  CHECK(typing_distance("", "") == 0);
  CHECK(typing_distance("abc", "") == 3);
  CHECK(typing_distance("kitten", "sitting") == 3);
  CHECK(typing_distance("ab", "ba") == 1);  // one swap
  CHECK(typing_distance("ca", "abc") ==
        3);  // the restricted form edits no swapped pair again (else 2)
  CHECK(typing_distance("stpes", "steps") == 1);
}

TEST_CASE("nearest: within a third of the length, at least one edit", "[config]") {
  const std::vector<std::string> words = {"steps", "learning_rate", "kl"};
  CHECK(nearest("step", words) == "steps");
  CHECK(nearest("learnin_rtae", words) == "learning_rate");
  CHECK(nearest("kk", words) == "kl");
  CHECK(nearest("slow", words).empty());
  CHECK(nearest("x", {"y"}).empty());  // nothing of the candidate is left
  CHECK(nearest(std::string(200, 'a'), {std::string(200, 'a')}).empty());
}

TEST_CASE("suggestion: sibling, then the same key elsewhere, then a near key elsewhere",
          "[config]") {
  Sample sample;
  const auto& train = *std::get<std::unique_ptr<Section>>(sample.root.find("train")->content);
  CHECK(key_suggestion(sample.root, train, "step") == "; did you mean 'train.steps'?");
  CHECK(key_suggestion(sample.root, train, "learning_rate") ==
        "; this key exists as 'optimizer.learning_rate'");
  CHECK(key_suggestion(sample.root, train, "learning_rat") ==
        "; did you mean 'optimizer.learning_rate'?");
  CHECK(key_suggestion(sample.root, train, "weight") == "; this key exists as 'reward.N.weight'");
  CHECK(key_suggestion(sample.root, train, "zzzzzz") ==
        "; known keys of 'train' are steps, dropout, whiten, name, tags");
  CHECK(key_suggestion(sample.root, sample.root, "train.steps") ==
        "; write it as nested blocks, one level for each dot");
}

}  // namespace
}  // namespace pgtrain::test
