#include "tensor/id_set.h"

#include <algorithm>

#include "core/error.h"

namespace pgtrain {
namespace {

constexpr int64_t kBits = 32;

}  // namespace

IdSet::IdSet(std::vector<int32_t> ids, int64_t vocabulary)
    : count_(static_cast<int64_t>(ids.size())) {
  PG_CHECK(!ids.empty(), "a set of kept ids is never empty");
  const int64_t words = (vocabulary + kBits - 1) / kBits;
  is_bitmap_ = count_ > words;
  if (!is_bitmap_) {
    std::sort(ids.begin(), ids.end());
    words_.assign(ids.begin(), ids.end());
    return;
  }
  words_.assign(static_cast<size_t>(words), 0);
  for (const int32_t id : ids) words_[id / kBits] |= uint32_t{1} << (id % kBits);
}

bool IdSet::contains(int64_t id) const {
  if (is_all()) return true;
  if (!is_bitmap_)
    return std::binary_search(words_.begin(), words_.end(), static_cast<uint32_t>(id));
  const int64_t word = id / kBits;
  return word < static_cast<int64_t>(words_.size()) && ((words_[word] >> (id % kBits)) & 1U) != 0;
}

void IdSet::list(std::vector<int32_t>& ids) const {
  ids.clear();
  if (!is_bitmap_) {
    ids.assign(words_.begin(), words_.end());
    return;
  }
  for (size_t word = 0; word < words_.size(); ++word)
    for (uint32_t bits = words_[word]; bits != 0; bits &= bits - 1)
      ids.push_back(static_cast<int32_t>(word * kBits) + __builtin_ctz(bits));
}

}  // namespace pgtrain
