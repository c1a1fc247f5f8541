#include "nn/packed_tokens.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"

namespace pgtrain {

void PackedTokens::add(const int64_t* tokens, int64_t length, int64_t first_wanted) {
  PG_CHECK(length >= 1 && first_wanted >= 0 && first_wanted <= length, "{} tokens, first {}",
           length, first_wanted);
  tokens_.insert(tokens_.end(), tokens, tokens + length);
  groups.push_back({length, {}, first_wanted});
}

void PackedTokens::branch(const int64_t* tokens, int64_t length) {
  PG_CHECK(!groups.empty() && length >= 0, "{} tokens after {} texts", length, groups.size());
  tokens_.insert(tokens_.end(), tokens, tokens + length);
  groups.back().branches.push_back(length);
}

bool PackedTokens::has_branches() const {
  return std::any_of(groups.begin(), groups.end(),
                     [](const RowGroup& group) { return !group.branches.empty(); });
}

void PackedTokens::finish(int64_t vocab_size) {
  for (const int64_t id : tokens_)
    PG_CHECK(id >= 0 && id < vocab_size, "token {} with a vocabulary of {}", id, vocab_size);
  ids = at::tensor(tokens_, at::kLong);
}

PackedTokens pack_sequences(const std::vector<const Sequence*>& sequences, bool share_prompts) {
  PackedTokens tokens;
  for (size_t begin = 0, end = 0; begin < sequences.size(); begin = end) {
    const Sequence& first = *sequences[begin];
    const int64_t prompt = first.prompt_length;
    end = begin + 1;
    while (share_prompts && end < sequences.size() && sequences[end]->has_prompt_of(first)) ++end;
    if (end == begin + 1) {
      tokens.add(first.tokens.data(), prompt + first.completion_length() - 1, prompt - 1);
      continue;
    }
    tokens.add(first.tokens.data(), prompt, prompt - 1);
    for (size_t i = begin; i < end; ++i)
      tokens.branch(sequences[i]->tokens.data() + prompt, sequences[i]->completion_length() - 1);
  }
  return tokens;
}

}  // namespace pgtrain
