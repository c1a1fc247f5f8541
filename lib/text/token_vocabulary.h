// Tokens with their ids, which may have holes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/json_view.h"

namespace pgtrain {

// More than any tokenizer has: a bound on what a file can make us allocate.
constexpr int64_t kMostTokenId = (int64_t{1} << 22) - 1;

class TokenVocabulary {
 public:
  TokenVocabulary() = default;
  TokenVocabulary(TokenVocabulary&&) = default;
  TokenVocabulary& operator=(TokenVocabulary&&) = default;
  TokenVocabulary(const TokenVocabulary&) = delete;
  TokenVocabulary& operator=(const TokenVocabulary&) = delete;

  // Makes room for ids below `size`; what is added must be below.
  void reserve(int64_t size);
  // False, and nothing changed, when the id or the token is there already.
  bool add(std::string token, int64_t id);

  // One more than the largest id.
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  // How many tokens there are.
  size_t count() const { return ids_.size(); }
  // The id, -1 when there is none.
  int64_t find(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? -1 : found->second;
  }
  // nullptr for a hole and for ids out of range.
  const std::string* token(int64_t id) const;

 private:
  std::vector<std::string> tokens_;
  std::vector<bool> present_;
  std::unordered_map<std::string_view, int64_t> ids_;  // views into tokens_, which never moves
};

// {"token": id, ...}. Throws DataError for ids out of range and ids used twice.
TokenVocabulary read_vocabulary(const JsonView& json);

}  // namespace pgtrain
