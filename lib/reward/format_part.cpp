#include <spdlog/spdlog.h>
#include <unicode/regex.h>

#include <atomic>

#include "reward/part.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// Limits of ICU's matcher: steps (about a millisecond each, but counted, so that the result is the
// same on every machine) and bytes of its backtracking stack.
constexpr int32_t kMaxSteps = 500;
constexpr int32_t kMaxStackBytes = 8 << 20;

icu::UnicodeString to_icu(std::u32string_view text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<int32_t>(text.size()));
}

// 1 for a completion that matches the regular expression, 0 else.
class FormatPart final : public RewardPart {
 public:
  FormatPart(const std::string& pattern, bool full_match) : full_match_(full_match) {
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    pattern_.reset(icu::RegexPattern::compile(to_icu(decode_utf8_lossy(pattern)), where, status));
    if (U_FAILURE(status))
      throw ConfigError(fmt::format(
          "pattern: '{}' is no regular expression: {} at line {}, character {}",
          escape_text(pattern.substr(0, 200)), u_errorName(status), where.line, where.offset));
  }

  std::vector<PartScore> score(const ScoreBatch& batch) const override {
    std::vector<PartScore> scores;
    scores.reserve(batch.texts.size());
    for (const std::u32string& text : batch.texts) scores.push_back(score_one(text));
    return scores;
  }

 private:
  PartScore score_one(std::u32string_view text) const {
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString subject = to_icu(text);
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern_->matcher(subject, status));
    if (U_SUCCESS(status)) matcher->setTimeLimit(kMaxSteps, status);
    if (U_SUCCESS(status)) matcher->setStackLimit(kMaxStackBytes, status);
    bool matches = false;
    if (U_SUCCESS(status))
      matches = (full_match_ ? matcher->matches(status) : matcher->find(status)) != 0;
    if (U_SUCCESS(status)) return {matches ? 1.0 : 0.0, ""};
    if (!warned_.exchange(true))
      spdlog::warn(
          "reward: the regular expression gave up on a completion of {} characters ({}); it counts "
          "as no match. Nested repetitions such as (a+)+ cost exponential time",
          text.size(), u_errorName(status));
    return {0.0, "the regular expression gave up"};
  }

  std::unique_ptr<icu::RegexPattern> pattern_;
  bool full_match_;
  mutable std::atomic<bool> warned_{false};
};

}  // namespace

std::unique_ptr<RewardPart> make_format_part(const RewardPartOptions& options) {
  return std::make_unique<FormatPart>(options.pattern, options.full_match);
}

}  // namespace pgtrain
