#include "text/added_tokens.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "text/code_point_class.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

// A bound on the cost of looking for a token at each position of a text.
constexpr size_t kMostContentBytes = 1024;

AddedToken read_added_token(const JsonView& json) {
  AddedToken token;
  const JsonView content = json.at("content");
  token.content = content.string();
  if (token.content.empty() || token.content.size() > kMostContentBytes)
    content.fail(fmt::format("must have from 1 to {} bytes", kMostContentBytes));
  token.id = json.at("id").integer(0, kMostTokenId);
  token.single_word = json.boolean_or("single_word", false);
  token.lstrip = json.boolean_or("lstrip", false);
  token.rstrip = json.boolean_or("rstrip", false);
  token.special = json.boolean_or("special", false);
  token.normalized = json.boolean_or("normalized", !token.special);
  return token;
}

void check_against_model(const JsonView& json, const AddedToken& token,
                         const TokenVocabulary& model) {
  const int64_t same_text = model.find(token.content);
  if (same_text >= 0 && same_text != token.id)
    json.at("id").fail(fmt::format("is {}, but \"{}\" has id {} in the model's vocabulary",
                                   token.id, escape_text(token.content), same_text));
  const std::string* same_id = model.token(token.id);
  if (same_id != nullptr && *same_id != token.content)
    json.at("id").fail(fmt::format("{} is the id of \"{}\" in the model's vocabulary", token.id,
                                   escape_text(*same_id)));
}

std::vector<std::pair<std::string_view, int64_t>> numbered(const std::vector<AddedToken>& tokens) {
  std::vector<std::pair<std::string_view, int64_t>> entries;
  for (size_t i = 0; i < tokens.size(); ++i)
    entries.emplace_back(tokens[i].written, static_cast<int64_t>(i));
  return entries;
}

std::string written_form(const AddedToken& token, const Normalizer* normalizer) {
  NormalizedText text{token.content};
  if (token.normalized && normalizer != nullptr) normalizer->apply(text);
  return std::move(text.text);
}

// Special tokens come first: of tokens with equal content, the first one counts.
std::vector<AddedToken> of_kind(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> chosen;
  for (const bool special : {true, false})
    for (const AddedToken& token : tokens)
      if (token.special == special && token.normalized == normalized) chosen.push_back(token);
  return chosen;
}

bool is_single_word(std::string_view text, size_t begin, size_t end) {
  const bool word_before = begin > 0 && is_regex_word(code_point_before(text, begin).value);
  const bool word_after = end < text.size() && is_regex_word(code_point_at(text, end).value);
  return !word_before && !word_after;
}

size_t white_space_begin(std::string_view text, size_t end, size_t least) {
  while (end > least) {
    const CodePoint c = code_point_before(text, end);
    if (!is_white_space(c.value)) break;
    end -= c.length;
  }
  return end;
}

size_t white_space_end(std::string_view text, size_t at) {
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (!is_white_space(c.value)) break;
    at += c.length;
  }
  return at;
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const JsonView& json, const TokenVocabulary& model,
                                          const Normalizer* normalizer) {
  std::vector<AddedToken> tokens;
  std::set<int64_t> ids;
  std::set<std::string> contents;
  for (size_t i = 0; i < json.size(); ++i) {
    tokens.push_back(read_added_token(json.at(i)));
    AddedToken& token = tokens.back();
    token.written = written_form(token, normalizer);
    check_against_model(json.at(i), token, model);
    if (!ids.insert(token.id).second)
      json.at(i).at("id").fail(fmt::format("{} is there twice", token.id));
    if (!contents.insert(token.content).second)
      json.at(i).at("content").fail(
          fmt::format("\"{}\" is there twice", escape_text(token.content)));
  }
  return tokens;
}

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens, bool normalized)
    : tokens_(of_kind(tokens, normalized)), trie_(numbered(tokens_)) {
  for (const AddedToken& token : tokens_)
    if (!token.written.empty()) is_first_byte_[static_cast<unsigned char>(token.written[0])] = true;
}

const AddedToken* AddedTokenFinder::longest_at(std::string_view text, size_t at,
                                               size_t& length) const {
  const AddedToken* longest = nullptr;
  if (!is_first_byte_[static_cast<unsigned char>(text[at])]) return nullptr;
  trie_.for_each_prefix(text.substr(at), [&](size_t prefix, int64_t index) {
    longest = &tokens_[static_cast<size_t>(index)];
    length = prefix;
  });
  return longest;
}

std::vector<TokenPart> AddedTokenFinder::split(std::string_view text, bool skip_special) const {
  std::vector<TokenPart> parts;
  size_t last_end = 0;
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    const AddedToken* token = longest_at(text, at, length);
    const size_t match = at;
    at += length;
    if (token == nullptr || (skip_special && token->special)) continue;
    if (token->single_word && !is_single_word(text, match, at)) continue;
    // Up to last_end the token before took the white space.
    const size_t begin =
        token->lstrip ? std::max(white_space_begin(text, match, last_end), last_end) : match;
    const size_t end = token->rstrip ? white_space_end(text, std::max(at, last_end)) : at;
    if (begin >= end) continue;  // the token before took it whole
    if (last_end < begin) parts.push_back({last_end, begin, -1});
    parts.push_back({begin, end, token->id});
    last_end = end;
  }
  if (last_end < text.size()) parts.push_back({last_end, text.size(), -1});
  return parts;
}

}  // namespace pgtrain
