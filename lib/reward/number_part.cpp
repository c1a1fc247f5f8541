#include <cmath>
#include <vector>

#include "reward/last_number.h"
#include "reward/part.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// 1 when the last number of the completion equals the last number of a target, within `tolerance`
// times the target's size; else 0.
class NumberPart final : public RewardPart {
 public:
  explicit NumberPart(double tolerance) : tolerance_(tolerance) {}

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    return score_by_record(batch, numbers_of,
                           [this](const std::vector<double>& targets, std::u32string_view text) {
                             const auto number = last_number(text);
                             if (!number) return PartScore{0.0, "no number"};
                             for (const double target : targets)
                               if (std::abs(*number - target) <= tolerance_ * std::abs(target))
                                 return PartScore{1, ""};
                             return PartScore{0.0, ""};
                           });
  }

  void check(const Dataset& data) const override {
    for (const Record& record : data.records)
      if (numbers_of(record).empty())
        throw DataError(fmt::format(
            "{}:{}: reward metric 'number' needs a number in the target, not '{}'", data.path,
            record.line, escape_text(record.targets.front().substr(0, 100))));
  }

 private:
  static std::vector<double> numbers_of(const Record& record) {
    std::vector<double> numbers;
    for (const std::string& target : record.targets)
      if (const auto number = last_number(decode_utf8_lossy(target))) numbers.push_back(*number);
    return numbers;
  }

  double tolerance_;
};

}  // namespace

std::unique_ptr<RewardPart> make_number_part(const RewardPartOptions& options) {
  return std::make_unique<NumberPart>(options.tolerance);
}

}  // namespace pgtrain
