#include "text/token_decoder.h"

#include <utility>
#include <vector>

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/pre_tokenizer.h"
#include "text/split_pattern.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"
#include "text/utf8_stream.h"

namespace pgtrain {
namespace {

// A stage that needs each token whole.
class WholeTokens : public TokenSink {
 public:
  explicit WholeTokens(TokenSink& next) : next_(next) {}
  void text(std::string_view part) final { token_ += part; }
  void end_token() final {
    token(token_);
    token_.clear();
  }
  void finish() override { next_.finish(); }

 protected:
  virtual void token(std::string_view token) = 0;
  void pass(std::string_view token) {
    next_.text(token);
    next_.end_token();
  }
  TokenSink& next_;

 private:
  std::string token_;
};

class ByteLevelStage final : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;
  void finish() override {
    next_.text(stream_.finish());
    next_.end_token();
    next_.finish();
  }

 private:
  void token(std::string_view token) override {
    std::string bytes;
    if (!append_character_bytes(bytes, token)) bytes = token;
    next_.text(stream_.push(bytes));
  }
  Utf8Stream stream_;
};

class ByteLevelDecoder final : public TokenDecoder {
 public:
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<ByteLevelStage>(next);
  }
  bool is_byte_level() const override { return true; }
};

// The byte of "<0x41>"; -1 for another token. A sign before one digit counts as the reference's
// parser of numbers takes it.
int byte_of_token(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token.back() != '>') return -1;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]);
  const int low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// A run of byte tokens becomes one token when it is valid UTF-8, else a U+FFFD for each byte; so it
// is certain only at its end.
class ByteFallbackStage final : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;
  void finish() override {
    flush();
    next_.finish();
  }

 private:
  void token(std::string_view token) override {
    const int byte = byte_of_token(token);
    if (byte >= 0) return bytes_.push_back(static_cast<char>(byte));
    flush();
    pass(token);
  }
  void flush() {
    if (bytes_.empty()) return;
    if (find_invalid_utf8(bytes_) == std::string::npos) {
      pass(bytes_);
    } else {
      for (size_t i = 0; i < bytes_.size(); ++i) pass("\xEF\xBF\xBD");
    }
    bytes_.clear();
  }
  std::string bytes_;
};

class ByteFallbackDecoder final : public TokenDecoder {
 public:
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<ByteFallbackStage>(next);
  }
};

class FuseStage final : public TokenSink {
 public:
  explicit FuseStage(TokenSink& next) : next_(next) {}
  void text(std::string_view part) override { next_.text(part); }
  void end_token() override {}
  void finish() override {
    next_.end_token();
    next_.finish();
  }

 private:
  TokenSink& next_;
};

class FuseDecoder final : public TokenDecoder {
 public:
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<FuseStage>(next);
  }
};

struct StripOptions {
  std::string content;  // one code point
  size_t start = 0;
  size_t stop = 0;
};

// Takes at most `start` copies of the character off the front of each token and at most `stop` off
// its end; so that many at the end of what has come are withheld.
class StripStage final : public TokenSink {
 public:
  StripStage(const StripOptions& options, TokenSink& next) : options_(options), next_(next) {}

  void text(std::string_view part) override {
    const std::string& content = options_.content;
    while (is_leading_ && !part.empty()) {
      is_leading_ = taken_ < options_.start && part.substr(0, content.size()) == content;
      if (!is_leading_) break;
      part.remove_prefix(content.size());
      ++taken_;
    }
    size_t trailing = 0;
    while (trailing < options_.stop && ends_with(part, trailing)) ++trailing;
    const std::string_view body = part.substr(0, part.size() - trailing * content.size());
    if (!body.empty()) release(withheld_);
    next_.text(body);
    withheld_ += trailing;
    if (withheld_ > options_.stop) release(withheld_ - options_.stop);
  }
  void end_token() override {
    next_.end_token();
    is_leading_ = true;
    taken_ = 0;
    withheld_ = 0;
  }
  void finish() override { next_.finish(); }

 private:
  bool ends_with(std::string_view part, size_t before) const {
    const size_t size = options_.content.size();
    if (part.size() < (before + 1) * size) return false;
    return part.substr(part.size() - (before + 1) * size, size) == options_.content;
  }
  void release(size_t count) {
    for (size_t i = 0; i < count; ++i) next_.text(options_.content);
    withheld_ -= count;
  }

  const StripOptions& options_;
  TokenSink& next_;
  bool is_leading_ = true;
  size_t taken_ = 0;
  size_t withheld_ = 0;
};

class StripDecoder final : public TokenDecoder {
 public:
  explicit StripDecoder(StripOptions options) : options_(std::move(options)) {}
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<StripStage>(options_, next);
  }

 private:
  StripOptions options_;
};

class ReplaceStage final : public WholeTokens {
 public:
  ReplaceStage(const SplitPattern& pattern, const std::string& content, TokenSink& next)
      : WholeTokens(next), pattern_(pattern), content_(content) {}

 private:
  void token(std::string_view token) override {
    std::string result;
    for (const Span& span : pattern_.find(token))
      result += span.is_match ? content_ : token.substr(span.begin, span.end - span.begin);
    pass(result);
  }
  const SplitPattern& pattern_;
  std::string_view content_;
};

class ReplaceDecoder final : public TokenDecoder {
 public:
  ReplaceDecoder(std::unique_ptr<SplitPattern> pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<ReplaceStage>(*pattern_, content_, next);
  }

 private:
  std::unique_ptr<SplitPattern> pattern_;
  std::string content_;
};

// Marks become spaces; those of the first token vanish when the pre-tokenizer may have added one.
class MetaspaceStage final : public WholeTokens {
 public:
  MetaspaceStage(const MetaspaceOptions& options, TokenSink& next)
      : WholeTokens(next), options_(options) {}

 private:
  void token(std::string_view token) override {
    const bool drops = is_first_ && options_.prepend != MetaspaceOptions::Prepend::kNever;
    std::string result;
    for (size_t at = 0; at < token.size();) {
      const size_t length = utf8_length(token[at]);
      if (token.substr(at, length) != options_.replacement)
        result += token.substr(at, length);
      else if (!drops)
        result += ' ';
      at += length;
    }
    is_first_ = false;
    pass(result);
  }
  const MetaspaceOptions& options_;
  bool is_first_ = true;
};

class MetaspaceDecoder final : public TokenDecoder {
 public:
  explicit MetaspaceDecoder(MetaspaceOptions options) : options_(std::move(options)) {}
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<MetaspaceStage>(options_, next);
  }

 private:
  MetaspaceOptions options_;
};

// The suffix that ends a word becomes a space, and nothing in the last token, which is therefore
// withheld until another comes.
class BpeSuffixStage final : public WholeTokens {
 public:
  BpeSuffixStage(const SplitPattern& suffix, TokenSink& next)
      : WholeTokens(next), suffix_(suffix) {}
  void finish() override {
    if (has_last_) pass(replaced(""));
    next_.finish();
  }

 private:
  void token(std::string_view token) override {
    if (has_last_) pass(replaced(" "));
    last_ = token;
    has_last_ = true;
  }
  std::string replaced(std::string_view content) const {
    std::string result;
    for (const Span& span : suffix_.find(last_)) {
      if (span.is_match)
        result += content;
      else
        result.append(last_, span.begin, span.end - span.begin);
    }
    return result;
  }
  const SplitPattern& suffix_;
  std::string last_;
  bool has_last_ = false;
};

class BpeSuffixDecoder final : public TokenDecoder {
 public:
  explicit BpeSuffixDecoder(const std::string& suffix) : suffix_(literal_pattern(suffix)) {}
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<BpeSuffixStage>(*suffix_, next);
  }

 private:
  std::unique_ptr<SplitPattern> suffix_;
};

class JoinStage final : public TokenSink {
 public:
  explicit JoinStage(TokenSink& next) : next_(next) {}
  void text(std::string_view part) override {
    if (needs_space_) next_.text(" ");
    needs_space_ = false;
    next_.text(part);
  }
  void end_token() override {
    if (needs_space_) next_.text(" ");  // an empty token
    needs_space_ = true;
  }
  void finish() override {
    next_.end_token();
    next_.finish();
  }

 private:
  TokenSink& next_;
  bool needs_space_ = false;
};

class JoinDecoder final : public TokenDecoder {
 public:
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<JoinStage>(next);
  }
};

// Stages in a row, the last one's result handed on.
class StageChain final : public TokenSink {
 public:
  StageChain(const std::vector<std::unique_ptr<TokenDecoder>>& parts, TokenSink& next) {
    stages_.resize(parts.size());
    first_ = &next;
    for (size_t i = parts.size(); i-- > 0;) {
      stages_[i] = parts[i]->start(*first_);
      first_ = stages_[i].get();
    }
  }
  void text(std::string_view part) override { first_->text(part); }
  void end_token() override { first_->end_token(); }
  void finish() override { first_->finish(); }

 private:
  std::vector<std::unique_ptr<TokenSink>> stages_;
  TokenSink* first_;
};

class DecoderSequence final : public TokenDecoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<TokenDecoder>> parts)
      : parts_(std::move(parts)) {}
  std::unique_ptr<TokenSink> start(TokenSink& next) const override {
    return std::make_unique<StageChain>(parts_, next);
  }
  bool is_byte_level() const override {
    for (const auto& part : parts_)
      if (part->is_byte_level()) return true;
    return false;
  }

 private:
  std::vector<std::unique_ptr<TokenDecoder>> parts_;
};

constexpr int64_t kMostStripped = 1 << 16;

std::unique_ptr<TokenDecoder> read_strip(const JsonView& json) {
  StripOptions options;
  const JsonView content = json.at("content");
  options.content = content.string();
  if (options.content.empty() || utf8_length(options.content[0]) != options.content.size())
    content.fail("must be one character");
  options.start = static_cast<size_t>(json.at("start").integer(0, kMostStripped));
  options.stop = static_cast<size_t>(json.at("stop").integer(0, kMostStripped));
  return std::make_unique<StripDecoder>(std::move(options));
}

std::unique_ptr<TokenDecoder> read_sequence(const JsonView& json) {
  std::vector<std::unique_ptr<TokenDecoder>> parts;
  const JsonView list = json.at("decoders");
  for (size_t i = 0; i < list.size(); ++i) parts.push_back(read_token_decoder(list.at(i)));
  return std::make_unique<DecoderSequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<TokenDecoder> join_with_spaces() { return std::make_unique<JoinDecoder>(); }

std::unique_ptr<TokenDecoder> read_token_decoder(const JsonView& json) {
  const std::string& type = json.at("type").string();
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "Strip") return read_strip(json);
  if (type == "Replace")
    return std::make_unique<ReplaceDecoder>(read_pattern(json.at("pattern")),
                                            json.at("content").string());
  if (type == "Metaspace") return std::make_unique<MetaspaceDecoder>(read_metaspace(json));
  if (type == "BPEDecoder") {
    const JsonView suffix = json.at("suffix");
    if (suffix.string().empty()) suffix.fail("must not be empty");
    return std::make_unique<BpeSuffixDecoder>(suffix.string());
  }
  if (type == "Sequence") return read_sequence(json);
  json.at("type").fail(
      fmt::format("\"{}\" is not a decoder that is known here", escape_text(type)));
}

}  // namespace pgtrain
