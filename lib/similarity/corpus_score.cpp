#include "similarity/corpus_score.h"

#include <algorithm>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

constexpr int64_t kShardSize = 256;  // segments that one worker takes at a time

MetricStatistics segment_statistics(const Metric& metric, const Corpus& corpus, size_t i) {
  std::vector<std::u32string> references;
  references.reserve(corpus.references.size());
  for (const auto& texts : corpus.references) references.push_back(decode_utf8_lossy(texts[i]));
  return metric.prepare({references.begin(), references.end()})
      ->statistics(decode_utf8_lossy(corpus.hypotheses[i]));
}

}  // namespace

CorpusScore score_corpus(const Metric& metric, const Corpus& corpus, WorkerPool& pool) {
  const auto size = static_cast<int64_t>(corpus.hypotheses.size());
  PG_CHECK(!corpus.references.empty(), "no references");
  for (const auto& texts : corpus.references)
    PG_CHECK(texts.size() == corpus.hypotheses.size(), "{} references for {} hypotheses",
             texts.size(), size);
  CorpusScore result;
  result.segments.resize(corpus.hypotheses.size());
  const int64_t shards = (size + kShardSize - 1) / kShardSize;
  std::vector<MetricStatistics> sums(static_cast<size_t>(shards));
  pool.run(shards, [&](int64_t shard, int) {
    MetricStatistics& sum = sums[static_cast<size_t>(shard)];
    const int64_t end = std::min(size, (shard + 1) * kShardSize);
    for (int64_t i = shard * kShardSize; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      const MetricStatistics statistics = segment_statistics(metric, corpus, at);
      result.segments[at] = metric.value(statistics);
      sum.resize(statistics.size(), 0);
      for (size_t k = 0; k < statistics.size(); ++k) sum[k] += statistics[k];
    }
  });
  MetricStatistics total;
  for (const MetricStatistics& sum : sums) {
    total.resize(sum.size(), 0);
    for (size_t k = 0; k < sum.size(); ++k) total[k] += sum[k];
  }
  result.value = total.empty() ? 0 : metric.value(total);
  return result;
}

}  // namespace pgtrain
