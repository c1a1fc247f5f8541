// How many pairs of texts a metric compares in a second of one core: the reference is prepared and
// the hypothesis scored, from UTF-8 in memory, nothing kept from pair to pair.
// scripts/bench_metrics.py makes the pairs and compares with the Python libraries.
//
// usage: metrics_bench PAIRS.tsv METRIC [FIRST_PAIRS] [SECONDS]
//   PAIRS.tsv  "hypothesis TAB reference" a line
//   METRIC     a name of similarity/metric.h, or levenshtein, indel, osa, damerau, lcs (the
//   distance)
// Prints "METRIC TAB pairs a second TAB mean value".
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "similarity/edit_distance.h"
#include "similarity/metric.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

struct Pair {
  std::string hypothesis;
  std::string reference;
};

std::vector<Pair> read_pairs(const std::string& path, size_t most) {
  std::ifstream file(path);
  std::vector<Pair> pairs;
  for (std::string line; pairs.size() < most && std::getline(file, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) throw DataError(path + ": a line without a tab");
    pairs.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  if (pairs.empty()) throw DataError(path + ": no pairs");
  return pairs;
}

// Of this process, in seconds: other processes on the machine do not count.
double cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

template <class Score>
void measure(const std::string& name, const std::vector<Pair>& pairs, double seconds, Score score) {
  double best = 0;
  double sum = 0;
  const double begin = cpu_time();
  do {
    sum = 0;
    const double start = cpu_time();
    for (const Pair& pair : pairs)
      sum += score(decode_utf8(pair.hypothesis), decode_utf8(pair.reference));
    best = std::max(best, static_cast<double>(pairs.size()) / (cpu_time() - start));
  } while (cpu_time() - begin < seconds);
  std::cout.precision(12);
  std::cout << name << "\t" << best << "\t" << sum / static_cast<double>(pairs.size()) << "\n";
}

void run(const std::string& path, const std::string& name, size_t most, double seconds) {
  static const std::map<std::string, EditKind> kDistances = {
      {"levenshtein", EditKind::kLevenshtein},
      {"indel", EditKind::kIndel},
      {"osa", EditKind::kOsa},
      {"damerau", EditKind::kDamerau},
      {"lcs", EditKind::kLcs}};
  const std::vector<Pair> pairs = read_pairs(path, most);
  const auto distance = kDistances.find(name);
  if (distance != kDistances.end()) {
    measure(name, pairs, seconds,
            [&](const std::u32string& hypothesis, const std::u32string& reference) {
              return static_cast<double>(edit_distance(distance->second, hypothesis, reference));
            });
    return;
  }
  MetricOptions options;
  options.effective_order = true;
  const auto metric = make_metric(name, options);
  measure(name, pairs, seconds,
          [&](const std::u32string& hypothesis, const std::u32string& reference) {
            return metric->value(metric->prepare({reference})->statistics(hypothesis));
          });
}

}  // namespace
}  // namespace pgtrain

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: metrics_bench PAIRS.tsv METRIC [FIRST_PAIRS] [SECONDS]\n";
    return 2;
  }
  try {
    pgtrain::run(argv[1], argv[2], argc > 3 ? std::stoul(argv[3]) : SIZE_MAX,
                 argc > 4 ? std::stod(argv[4]) : 1);
  } catch (const std::exception& e) {
    std::cerr << "metrics_bench: " << e.what() << "\n";
    return 1;
  }
  return 0;
}
