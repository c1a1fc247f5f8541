#include "similarity/error_rate.h"

#include "core/error.h"
#include "text/characters.h"

namespace pgtrain {
namespace {

// Two or more white-space characters in a row become one space; a single one stays what it is.
std::u32string join_spaces(std::u32string_view text) {
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_space(text[end])) ++end;
    if (end - i >= 2) {
      result += U' ';
      i = end;
    } else {
      result += text[i++];
    }
  }
  return result;
}

// Words between spaces; none is empty.
template <class Use>
void for_each_word(std::u32string_view text, Use use) {
  const std::u32string joined = join_spaces(text);
  std::u32string_view rest = strip(joined);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(U' '), rest.size());
    if (end > 0) use(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
}

}  // namespace

double error_rate(const ErrorStatistics& statistics) {
  if (statistics.reference_length == 0) return static_cast<double>(statistics.errors);
  return static_cast<double>(statistics.errors) / static_cast<double>(statistics.reference_length);
}

ErrorRate::ErrorRate(ErrorUnit unit, const std::vector<std::u32string_view>& references)
    : unit_(unit) {
  PG_CHECK(!references.empty(), "no reference");
  for (const auto text : references) {
    std::u32string units;
    if (unit_ == ErrorUnit::kCharacter)
      units = strip(text);
    else
      for_each_word(text, [&](std::u32string_view w) { units += vocabulary_.add(w); });
    references_.push_back(
        {static_cast<int64_t>(units.size()), EditDistance(EditKind::kLevenshtein, units)});
  }
}

ErrorStatistics ErrorRate::statistics(std::u32string_view hypothesis) const {
  std::u32string units;
  if (unit_ == ErrorUnit::kCharacter)
    units = strip(hypothesis);
  else
    for_each_word(hypothesis, [&](std::u32string_view w) { units += vocabulary_.find(w); });
  ErrorStatistics best;
  for (size_t i = 0; i < references_.size(); ++i) {
    const ErrorStatistics now = {references_[i].distance.distance(units), references_[i].length};
    if (i == 0 || error_rate(now) < error_rate(best)) best = now;
  }
  return best;
}

}  // namespace pgtrain
