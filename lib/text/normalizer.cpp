#include "text/normalizer.h"

#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

#include <utility>
#include <vector>

#include "core/error.h"
#include "text/base64.h"
#include "text/byte_alphabet.h"
#include "text/charsmap.h"
#include "text/code_point_class.h"
#include "text/split_pattern.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

// Calls visit(code point) for each one.
template <class Visit>
void for_each_code_point(std::string_view text, Visit visit) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    visit(c.value);
    at += c.length;
  }
}

// Drops the code points that `keep` refuses.
template <class Keep>
void filter(NormalizedText& text, Keep keep) {
  std::string kept;
  kept.reserve(text.text.size());
  bool is_first = true;
  for_each_code_point(text.text, [&](char32_t c) {
    if (keep(c)) append_utf8(kept, c);
    if (is_first && !keep(c)) text.at_origin = false;
    is_first = false;
  });
  text.text = std::move(kept);
}

template <class Map>
void map(NormalizedText& text, Map new_code_point) {
  std::string mapped;
  mapped.reserve(text.text.size());
  for_each_code_point(text.text, [&](char32_t c) { append_utf8(mapped, new_code_point(c)); });
  text.text = std::move(mapped);
}

// The code points that the normalization of Unicode 9 knows: the library has its tables.
const icu::UnicodeSet& unicode_9() {
  static const icu::UnicodeSet set = [] {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet known("[:age=9.0:]", status);
    PG_CHECK(U_SUCCESS(status), "[:age=9.0:]: {}", u_errorName(status));
    return *known.freeze();
  }();
  return set;
}

enum class Form { kNfc, kNfd, kNfkc, kNfkd };

const icu::Normalizer2& full_form(Form form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* instance = form == Form::kNfc   ? icu::Normalizer2::getNFCInstance(status)
                                     : form == Form::kNfd ? icu::Normalizer2::getNFDInstance(status)
                                     : form == Form::kNfkc
                                         ? icu::Normalizer2::getNFKCInstance(status)
                                         : icu::Normalizer2::getNFKDInstance(status);
  PG_CHECK(U_SUCCESS(status), "Unicode normalization: {}", u_errorName(status));
  return *instance;
}

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : form_(full_form(form), unicode_9()) {}
  void apply(NormalizedText& text) const override {
    std::string result;
    icu::StringByteSink<std::string> sink(&result);
    UErrorCode status = U_ZERO_ERROR;
    form_.normalizeUTF8(0, {text.text.data(), static_cast<int32_t>(text.text.size())}, sink,
                        nullptr, status);
    if (U_FAILURE(status))
      throw DataError(fmt::format("Unicode normalization of a text of {} bytes failed: {}",
                                  text.text.size(), u_errorName(status)));
    text.text = std::move(result);
  }

 private:
  icu::FilteredNormalizer2 form_;
};

void lower_case_each(std::string& text) {
  std::string result;
  result.reserve(text.size());
  for_each_code_point(text, [&](char32_t c) {
    if (c == 0x130)  // the only one whose lower case is two code points
      result += "i\xCC\x87";
    else
      append_utf8(result, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
  });
  text = std::move(result);
}

class Lowercase final : public Normalizer {
 public:
  void apply(NormalizedText& text) const override { lower_case_each(text.text); }
};

class StripEnds final : public Normalizer {
 public:
  StripEnds(bool left, bool right) : left_(left), right_(right) {}
  void apply(NormalizedText& text) const override {
    std::string_view rest = text.text;
    while (right_ && !rest.empty()) {
      const CodePoint last = code_point_before(rest, rest.size());
      if (!is_white_space(last.value)) break;
      rest.remove_suffix(last.length);
    }
    while (left_ && !rest.empty()) {
      const CodePoint first = code_point_at(rest, 0);
      if (!is_white_space(first.value)) break;
      rest.remove_prefix(first.length);
      text.at_origin = false;
    }
    text.text = std::string(rest);
  }

 private:
  bool left_;
  bool right_;
};

class StripAccents final : public Normalizer {
 public:
  void apply(NormalizedText& text) const override {
    filter(text, [](char32_t c) { return !is_mark(c); });
  }
};

class Replace final : public Normalizer {
 public:
  Replace(std::unique_ptr<SplitPattern> pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(NormalizedText& text) const override {
    std::string result;
    for (const Span& span : pattern_->find(text.text)) {
      if (span.is_match && content_.empty() && span.begin == 0) text.at_origin = false;
      if (span.is_match)
        result += content_;
      else
        result.append(text.text, span.begin, span.end - span.begin);
    }
    text.text = std::move(result);
  }

 private:
  std::unique_ptr<SplitPattern> pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(NormalizedText& text) const override {
    if (!text.text.empty()) text.text.insert(0, prefix_);
  }

 private:
  std::string prefix_;
};

bool nmt_keeps(char32_t c) {
  return !((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F);
}

char32_t nmt_space(char32_t c) {
  const bool is_space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                        (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                        c == 0xFEFF || c == 0xFFFD;
  return is_space ? U' ' : c;
}

class Nmt final : public Normalizer {
 public:
  void apply(NormalizedText& text) const override {
    filter(text, nmt_keeps);
    map(text, nmt_space);
  }
};

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(Charsmap charsmap) : charsmap_(std::move(charsmap)) {}
  void apply(NormalizedText& text) const override { text.text = charsmap_.apply(text.text); }

 private:
  Charsmap charsmap_;
};

struct BertOptions {
  bool clean_text;
  bool handle_chinese_chars;
  bool strip_accents;
  bool lowercase;
};

bool bert_keeps(char32_t c) {
  if (c == 0 || c == 0xFFFD) return false;
  constexpr uint32_t kControls = U_GC_C_MASK & ~U_GC_CN_MASK;  // without unassigned code points
  return c == U'\t' || c == U'\n' || c == U'\r' || !in_old_categories(c, kControls, 8);
}

bool is_bert_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

class Bert final : public Normalizer {
 public:
  explicit Bert(const BertOptions& options) : options_(options) {}
  void apply(NormalizedText& text) const override {
    if (options_.clean_text) {
      filter(text, bert_keeps);
      map(text, [](char32_t c) { return is_white_space(c) ? U' ' : c; });
    }
    if (options_.handle_chinese_chars) {
      std::string spaced;
      for_each_code_point(text.text, [&](char32_t c) {
        if (is_bert_ideograph(c)) spaced += ' ';
        append_utf8(spaced, c);
        if (is_bert_ideograph(c)) spaced += ' ';
      });
      text.text = std::move(spaced);
    }
    if (options_.strip_accents) {
      decompose_.apply(text);
      filter(text, [](char32_t c) { return !is_nonspacing_mark(c); });
    }
    if (options_.lowercase) lower_case_each(text.text);
  }

 private:
  BertOptions options_;
  UnicodeForm decompose_{Form::kNfd};
};

class ByteCharacters final : public Normalizer {
 public:
  void apply(NormalizedText& text) const override {
    std::string characters;
    append_byte_characters(characters, text.text);
    text.text = std::move(characters);
  }
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts)
      : parts_(std::move(parts)) {}
  void apply(NormalizedText& text) const override {
    for (const auto& part : parts_) part->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

std::unique_ptr<Normalizer> read_precompiled(const JsonView& json) {
  const JsonView text = json.at("precompiled_charsmap");
  const auto bytes = decode_base64(text.string());
  if (!bytes) text.fail("is not base64");
  try {
    return std::make_unique<Precompiled>(Charsmap(*bytes, "charsmap"));
  } catch (const DataError& e) {
    text.fail(e.what());
  }
}

std::unique_ptr<Normalizer> read_sequence(const JsonView& json) {
  std::vector<std::unique_ptr<Normalizer>> parts;
  const JsonView list = json.at("normalizers");
  for (size_t i = 0; i < list.size(); ++i) parts.push_back(read_normalizer(list.at(i)));
  return std::make_unique<NormalizerSequence>(std::move(parts));
}

std::unique_ptr<Normalizer> read_bert(const JsonView& json) {
  BertOptions options{};
  options.clean_text = json.boolean_or("clean_text", true);
  options.handle_chinese_chars = json.boolean_or("handle_chinese_chars", true);
  options.lowercase = json.boolean_or("lowercase", true);
  options.strip_accents = json.boolean_or("strip_accents", options.lowercase);
  return std::make_unique<Bert>(options);
}

}  // namespace

std::unique_ptr<Normalizer> read_normalizer(const JsonView& json) {
  const std::string& type = json.at("type").string();
  if (type == "NFC") return std::make_unique<UnicodeForm>(Form::kNfc);
  if (type == "NFD") return std::make_unique<UnicodeForm>(Form::kNfd);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(Form::kNfkc);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(Form::kNfkd);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "Strip")
    return std::make_unique<StripEnds>(json.at("strip_left").boolean(),
                                       json.at("strip_right").boolean());
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Replace")
    return std::make_unique<Replace>(read_pattern(json.at("pattern")), json.at("content").string());
  if (type == "Prepend") return std::make_unique<Prepend>(json.at("prepend").string());
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "Precompiled") return read_precompiled(json);
  if (type == "BertNormalizer") return read_bert(json);
  if (type == "ByteLevel") return std::make_unique<ByteCharacters>();
  if (type == "Sequence") return read_sequence(json);
  json.at("type").fail(
      fmt::format("\"{}\" is not a normalizer that is known here", escape_text(type)));
}

}  // namespace pgtrain
