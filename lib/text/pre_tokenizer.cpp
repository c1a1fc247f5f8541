#include "text/pre_tokenizer.h"

#include <utility>

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/code_point_class.h"
#include "text/split_pattern.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"
#include "text/word_patterns.h"

namespace pgtrain {
namespace {

enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Behavior read_behavior(const JsonView& json) {
  const std::string& name = json.string();
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  json.fail("must be Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

// Joins a match to the span before it unless that one is a match itself.
std::vector<Span> merge_with_previous(const std::vector<Span>& spans) {
  std::vector<Span> merged;
  bool after_match = false;
  for (const Span& span : spans) {
    if (span.is_match && !after_match && !merged.empty())
      merged.back().end = span.end;
    else
      merged.push_back(span);
    after_match = span.is_match;
  }
  return merged;
}

// Joins a match to the span after it unless that one is a match itself.
std::vector<Span> merge_with_next(const std::vector<Span>& spans) {
  std::vector<Span> merged;
  for (size_t i = 0; i < spans.size(); ++i) {
    const bool joins = i > 0 && spans[i - 1].is_match && !spans[i].is_match;
    if (joins)
      merged.back().end = spans[i].end;
    else
      merged.push_back(spans[i]);
  }
  return merged;
}

// Joins neighbours of one kind.
std::vector<Span> join_contiguous(const std::vector<Span>& spans) {
  std::vector<Span> joined;
  for (const Span& span : spans) {
    if (!joined.empty() && joined.back().is_match == span.is_match)
      joined.back().end = span.end;
    else
      joined.push_back(span);
  }
  return joined;
}

void add_split(PieceList& pieces, std::string_view text, std::vector<Span> spans,
               Behavior behavior) {
  if (behavior == Behavior::kMergedWithPrevious) spans = merge_with_previous(spans);
  if (behavior == Behavior::kMergedWithNext) spans = merge_with_next(spans);
  if (behavior == Behavior::kContiguous) spans = join_contiguous(spans);
  for (const Span& span : spans) {
    const bool removed = behavior == Behavior::kRemoved && span.is_match;
    if (!removed) pieces.add(text.substr(span.begin, span.end - span.begin));
    if (removed && pieces.size() == 0) pieces.lose_origin();
  }
}

class Split final : public PreTokenizer {
 public:
  Split(std::unique_ptr<SplitPattern> pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  PieceList apply(const PieceList& pieces) const override {
    PieceList result(pieces.at_origin());
    for (size_t i = 0; i < pieces.size(); ++i) {
      std::vector<Span> spans = pattern_->find(pieces[i]);
      if (invert_)
        for (Span& span : spans) span.is_match = !span.is_match;
      add_split(result, pieces[i], std::move(spans), behavior_);
    }
    return result;
  }

 private:
  std::unique_ptr<SplitPattern> pattern_;
  Behavior behavior_;
  bool invert_;
};

std::unique_ptr<PreTokenizer> split_on_class(bool (*is_in_class)(char32_t), Behavior behavior) {
  return std::make_unique<Split>(class_pattern(is_in_class), behavior, false);
}

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}
  PieceList apply(const PieceList& pieces) const override {
    PieceList result(pieces.at_origin());
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (add_prefix_space_ && pieces[i].front() != ' ')
        add_words(result, " " + std::string(pieces[i]));
      else
        add_words(result, pieces[i]);
    }
    return result;
  }

 private:
  void add_words(PieceList& result, std::string_view text) const {
    static const WordMatcher matcher = find_word_matcher(kGpt2Expression);
    for (size_t at = 0; at < text.size();) {
      const size_t end = use_regex_ ? matcher(text, at) : text.size();
      append_byte_characters(result.open(), text.substr(at, end - at));
      result.end_piece();
      at = end;
    }
  }

  bool add_prefix_space_;
  bool use_regex_;
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(MetaspaceOptions options) : options_(std::move(options)) {}
  PieceList apply(const PieceList& pieces) const override {
    PieceList result(pieces.at_origin());
    for (size_t i = 0; i < pieces.size(); ++i)
      add_words(result, replace_spaces(pieces[i], i == 0 && pieces.at_origin()));
    return result;
  }

 private:
  using Prepend = MetaspaceOptions::Prepend;

  std::string replace_spaces(std::string_view piece, bool is_first) const {
    std::string text;
    const std::string_view mark = options_.replacement;
    const bool has_mark = piece.front() == ' ' || piece.substr(0, mark.size()) == mark;
    if (!has_mark &&
        (options_.prepend == Prepend::kAlways || (options_.prepend == Prepend::kFirst && is_first)))
      text = mark;
    for (char byte : piece) {
      if (byte == ' ')
        text += mark;
      else
        text += byte;
    }
    return text;
  }

  // Each mark begins a piece.
  void add_words(PieceList& result, std::string_view text) const {
    size_t begin = 0;
    while (options_.split) {
      const size_t next = text.find(options_.replacement, begin + 1);
      if (next == std::string_view::npos) break;
      result.add(text.substr(begin, next - begin));
      begin = next;
    }
    result.add(text.substr(begin));
  }

  MetaspaceOptions options_;
};

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts)
      : parts_(std::move(parts)) {}
  PieceList apply(const PieceList& pieces) const override {
    PieceList result = pieces;
    for (const auto& part : parts_) result = part->apply(result);
    return result;
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

std::unique_ptr<PreTokenizer> read_sequence(const JsonView& json) {
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  const JsonView list = json.at("pretokenizers");
  for (size_t i = 0; i < list.size(); ++i) parts.push_back(read_pre_tokenizer(list.at(i)));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

std::unique_ptr<PreTokenizer> bert_pre_tokenizer() {
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  parts.push_back(split_on_class(is_white_space, Behavior::kRemoved));
  parts.push_back(split_on_class(is_punctuation, Behavior::kIsolated));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

std::string read_character(const JsonView& json) {
  const std::string& text = json.string();
  if (text.empty() || utf8_length(text[0]) != text.size()) json.fail("must be one character");
  return text;
}

}  // namespace

MetaspaceOptions read_metaspace(const JsonView& json) {
  using Prepend = MetaspaceOptions::Prepend;
  MetaspaceOptions options;
  options.replacement = read_character(json.at("replacement"));
  options.split = json.boolean_or("split", true);
  const auto scheme = json.find("prepend_scheme");
  if (scheme) {
    const std::string& name = scheme->string();
    if (name != "always" && name != "first" && name != "never")
      scheme->fail("must be always, first or never");
    options.prepend = name == "always"  ? Prepend::kAlways
                      : name == "first" ? Prepend::kFirst
                                        : Prepend::kNever;
  }
  if (!json.boolean_or("add_prefix_space", true)) {
    if (scheme && options.prepend != Prepend::kNever)
      json.at("add_prefix_space").fail("contradicts prepend_scheme");
    options.prepend = Prepend::kNever;
  }
  return options;
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const JsonView& json) {
  const std::string& type = json.at("type").string();
  if (type == "ByteLevel")
    return std::make_unique<ByteLevel>(json.boolean_or("add_prefix_space", true),
                                       json.boolean_or("use_regex", true));
  if (type == "Split")
    return std::make_unique<Split>(read_pattern(json.at("pattern")),
                                   read_behavior(json.at("behavior")),
                                   json.boolean_or("invert", false));
  if (type == "Metaspace") return std::make_unique<Metaspace>(read_metaspace(json));
  if (type == "Digits")
    return split_on_class(is_numeric, json.boolean_or("individual_digits", false)
                                          ? Behavior::kIsolated
                                          : Behavior::kContiguous);
  if (type == "Whitespace")
    return std::make_unique<Split>(icu_pattern("\\w+|[^\\w\\s]+", json), Behavior::kRemoved, true);
  if (type == "WhitespaceSplit") return split_on_class(is_white_space, Behavior::kRemoved);
  if (type == "Punctuation") {
    const auto behavior = json.find("behavior");
    return split_on_class(is_punctuation,
                          behavior ? read_behavior(*behavior) : Behavior::kIsolated);
  }
  if (type == "CharDelimiterSplit")
    return std::make_unique<Split>(literal_pattern(read_character(json.at("delimiter"))),
                                   Behavior::kRemoved, false);
  if (type == "BertPreTokenizer") return bert_pre_tokenizer();
  if (type == "Sequence") return read_sequence(json);
  json.at("type").fail(
      fmt::format("\"{}\" is not a pre-tokenizer that is known here", escape_text(type)));
}

}  // namespace pgtrain
