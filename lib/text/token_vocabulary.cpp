#include "text/token_vocabulary.h"

#include <algorithm>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {

void TokenVocabulary::reserve(int64_t size) {
  PG_CHECK(tokens_.empty() && size <= kMostTokenId + 1, "{} tokens", size);
  tokens_.resize(static_cast<size_t>(size));
  present_.resize(static_cast<size_t>(size));
}

bool TokenVocabulary::add(std::string token, int64_t id) {
  PG_CHECK(id >= 0 && id < size(), "id {} of {}", id, size());
  const auto index = static_cast<size_t>(id);
  if (present_[index] || find(token) >= 0) return false;
  tokens_[index] = std::move(token);
  present_[index] = true;
  ids_.emplace(tokens_[index], id);
  return true;
}

const std::string* TokenVocabulary::token(int64_t id) const {
  if (id < 0 || id >= size() || !present_[static_cast<size_t>(id)]) return nullptr;
  return &tokens_[static_cast<size_t>(id)];
}

TokenVocabulary read_vocabulary(const JsonView& json) {
  if (!json.is_object()) json.fail("must be an object of tokens and ids");
  int64_t last = -1;
  for (const auto& item : json.value().items()) {
    const bool fits = is_integer_in(item.value(), 0, kMostTokenId);
    if (!fits)
      json.fail(fmt::format("the id of \"{}\" must be an integer from 0 to {}",
                            escape_text(item.key()), kMostTokenId));
    last = std::max(last, item.value().get<int64_t>());
  }
  TokenVocabulary vocabulary;
  vocabulary.reserve(last + 1);
  for (const auto& item : json.value().items()) {
    if (find_invalid_utf8(item.key()) != std::string::npos)
      json.fail(fmt::format("the token \"{}\" is not valid UTF-8", escape_text(item.key())));
    const int64_t id = item.value().get<int64_t>();
    if (!vocabulary.add(item.key(), id))
      json.fail(fmt::format("\"{}\" and \"{}\" have the same id {}",
                            escape_text(*vocabulary.token(id)), escape_text(item.key()), id));
  }
  return vocabulary;
}

}  // namespace pgtrain
