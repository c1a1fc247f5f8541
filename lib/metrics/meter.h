// Running statistics of a stream of numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace pgtrain {

// Values x_i with weights w_i >= 0 that count how often x_i occurred (tokens of a sequence,
// sequences of a batch):
//   mean = sum w x / sum w,  std = sqrt(sum w (x - mean)^2 / (sum w - 1)), the sample standard
//   deviation.
// One pass, Welford's update in West's weighted form (Communications of the ACM 22(9), 1979). A
// value of weight 0 is ignored. A NaN value makes mean, std, min, max and sum NaN. The result
// depends on the order of add in its last bits.
class Meter {
 public:
  void add(double value, double weight = 1.0);
  void reset() { *this = Meter(); }

  int64_t count() const { return count_; }  // values with a weight above 0
  double weight() const { return weight_; }
  double sum() const { return sum_; }  // sum w x
  // 0 without values, so that a row never gets a NaN from an empty group.
  double mean() const { return mean_; }
  double min() const { return min_; }
  double max() const { return max_; }
  // 0 as long as the weights sum to 1 or less.
  double std() const;

 private:
  int64_t count_ = 0;
  double weight_ = 0;
  double sum_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum w (x - mean)^2
  double min_ = 0;
  double max_ = 0;
};

struct Stats {
  int64_t count = 0;
  double mean = 0;
  double std = 0;  // sample standard deviation (n - 1); 0 for fewer than two values
  double min = 0;
  double max = 0;
};

// All 0 for no values.
Stats summarize(const std::vector<double>& values);

}  // namespace pgtrain
