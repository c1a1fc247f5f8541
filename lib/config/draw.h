// Random search: what one key is drawn from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgtrain {

// KIND:RANGE of the command line:
//   uniform:A..B   evenly between A and B
//   log:A..B       log of the value evenly between log A and log B; A above 0
//   int:A..B       evenly among the integers A, A + 1, ..., B
//   choice:a,b,c   evenly among the values of a list (parse_value_list)
// Real values are rounded to 4 significant digits of the range, so that they read well.
class Draw {
 public:
  // Throws ConfigError (the reason only): an unknown kind, a range that is empty or not finite.
  explicit Draw(std::string_view text);

  // The value for u in [0, 1).
  std::string at(double u) const;

 private:
  struct Real {
    double low, high;
    bool is_log;
  };
  struct Integer {
    int64_t low, high;
  };
  static std::string real_at(const Real& range, double u);
  static std::string integer_at(const Integer& range, double u);
  std::variant<Real, Integer, std::vector<std::string>> from_;
};

}  // namespace pgtrain
