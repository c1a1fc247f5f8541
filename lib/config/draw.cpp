#include "config/draw.h"

#include <algorithm>
#include <cmath>

#include "config/scalar.h"
#include "config/value_list.h"
#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int64_t kMaxSpan = int64_t{1} << 53;  // a draw has 53 bits

// A side of a range; errors name it.
template <class F>
auto read_side(const std::string& text, const F& parse) {
  try {
    return parse(text);
  } catch (const ConfigError& e) {
    throw ConfigError(fmt::format("{}: {}", in_quotes(text), e.what()));
  }
}

// Significant digits that tell some 10,000 values between low and high apart.
int digits_of(double low, double high) {
  const double scale = std::max(std::abs(low), std::abs(high)) / (high - low);
  return static_cast<int>(std::min(4 + std::round(std::log10(std::max(1.0, scale))), 17.0));
}

}  // namespace

Draw::Draw(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string kind(text.substr(0, colon));
  const bool is_known = kind == "uniform" || kind == "log" || kind == "int" || kind == "choice";
  if (!is_known || colon == std::string_view::npos)
    throw ConfigError(fmt::format("{} is none of uniform:A..B, log:A..B, int:A..B and choice:a,b,c",
                                  in_quotes(text)));
  const std::string_view rest = text.substr(colon + 1);
  if (kind == "choice") {
    from_ = parse_value_list(rest);
    return;
  }
  const auto [low, high] = parse_span(rest);
  if (kind == "int") {
    const Integer range = {read_side(low, parse_integer), read_side(high, parse_integer)};
    if (range.low > range.high) throw ConfigError(fmt::format("{} is empty", in_quotes(rest)));
    if (static_cast<uint64_t>(range.high) - static_cast<uint64_t>(range.low) >= kMaxSpan)
      throw ConfigError(fmt::format("{} has more than 2^53 integers", in_quotes(rest)));
    from_ = range;
    return;
  }
  const Real range = {read_side(low, parse_number), read_side(high, parse_number), kind == "log"};
  if (!(range.low < range.high)) throw ConfigError(fmt::format("{} is empty", in_quotes(rest)));
  if (!std::isfinite(range.high - range.low))
    throw ConfigError(fmt::format("{} is too wide", in_quotes(rest)));
  if (range.is_log && range.low <= 0)
    throw ConfigError(fmt::format("{} must start above 0, where logarithms do", in_quotes(rest)));
  from_ = range;
}

std::string Draw::at(double u) const {
  if (const auto* real = std::get_if<Real>(&from_)) return real_at(*real, u);
  if (const auto* integer = std::get_if<Integer>(&from_)) return integer_at(*integer, u);
  const auto& values = std::get<std::vector<std::string>>(from_);
  return values[std::min(static_cast<size_t>(u * static_cast<double>(values.size())),
                         values.size() - 1)];
}

std::string Draw::real_at(const Real& range, double u) {
  const double exact =
      range.is_log
          ? std::exp(std::log(range.low) + u * (std::log(range.high) - std::log(range.low)))
          : range.low + u * (range.high - range.low);
  const std::string rounded = fmt::format("{:.{}g}", exact, digits_of(range.low, range.high));
  return number_text(std::clamp(parse_number(rounded), range.low, range.high));
}

std::string Draw::integer_at(const Integer& range, double u) {
  const auto count =
      static_cast<double>(static_cast<uint64_t>(range.high) - static_cast<uint64_t>(range.low) + 1);
  return std::to_string(std::min(range.high, range.low + static_cast<int64_t>(u * count)));
}

}  // namespace pgtrain
