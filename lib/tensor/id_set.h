// A set of token ids, small whether it holds few or most of a vocabulary.
#pragma once

#include <cstdint>
#include <vector>

namespace pgtrain {

// Ids in increasing order, 4 bytes each, or one bit for each id of the vocabulary: what is smaller.
// A default set stands for the whole vocabulary and takes no memory.
class IdSet {
 public:
  IdSet() = default;
  // ids: different, each in [0, vocabulary), in any order; at least one.
  IdSet(std::vector<int32_t> ids, int64_t vocabulary);

  bool is_all() const { return count_ == 0; }
  int64_t size() const { return count_; }  // 0 for the whole vocabulary
  bool contains(int64_t id) const;
  // Overwrites `ids` with the members in increasing order; nothing for the whole vocabulary.
  void list(std::vector<int32_t>& ids) const;
  // Bytes of the members, for tests and accounts.
  int64_t bytes() const { return static_cast<int64_t>(words_.size() * sizeof(uint32_t)); }

 private:
  bool is_bitmap_ = false;
  int64_t count_ = 0;
  std::vector<uint32_t> words_;  // the ids, or the bits
};

}  // namespace pgtrain
