// A metric over a whole corpus, on several threads.
#pragma once

#include <string>
#include <vector>

#include "core/worker_pool.h"
#include "similarity/metric.h"

namespace pgtrain {

// Segments are lines of UTF-8; ill-formed bytes count as U+FFFD. references[r][i] is reference r of
// segment i; at least one r, each of hypotheses.size() segments.
struct Corpus {
  std::vector<std::string> hypotheses;
  std::vector<std::vector<std::string>> references;
};

struct CorpusScore {
  double value = 0;
  std::vector<double> segments;  // the metric of each segment alone
};

// Does not depend on the number of threads.
CorpusScore score_corpus(const Metric& metric, const Corpus& corpus, WorkerPool& pool);

}  // namespace pgtrain
