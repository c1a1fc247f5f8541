#include "similarity/corpus_score.h"

#include "support/support.h"

namespace pgtrain {
namespace {

Corpus example(size_t copies) {
  Corpus corpus;
  corpus.references.resize(1);
  for (size_t i = 0; i < copies; ++i) {
    corpus.hypotheses.insert(corpus.hypotheses.end(), {"the the the the", "a b", ""});
    corpus.references[0].insert(corpus.references[0].end(), {"the cat is on the mat", "a b", "x"});
  }
  return corpus;
}

TEST_CASE("corpus score: counts are pooled where the metric pools, means are means",
          "[similarity]") {
  WorkerPool pool(1);
  // Word errors 4, 0 and 1 of 6, 2 and 1 words.
  const CorpusScore wer = score_corpus(*make_metric("wer", {}), example(1), pool);
  CHECK(test::close(wer.value, 5.0 / 9.0));
  CHECK(test::close(wer.segments[0], 4.0 / 6.0));
  CHECK(wer.segments[2] == 1.0);
  // F1 0.4 (2 of 4 and of 6 words), 1 and 0.
  const CorpusScore rouge = score_corpus(*make_metric("rouge1", {}), example(1), pool);
  CHECK(test::close(rouge.value, 1.4 / 3.0));
}

TEST_CASE("corpus score: the same bits on any number of threads", "[similarity]") {
  WorkerPool one(1);
  WorkerPool three(3);
  for (const std::string& name : metric_names()) {
    const auto metric = make_metric(name, {});
    CHECK(score_corpus(*metric, example(300), one).value ==
          score_corpus(*metric, example(300), three).value);
  }
}

TEST_CASE("corpus score: an empty corpus has the value 0", "[similarity]") {
  WorkerPool pool(1);
  Corpus empty;
  empty.references.resize(1);
  CHECK(score_corpus(*make_metric("bleu", {}), empty, pool).value == 0);
}

}  // namespace
}  // namespace pgtrain
