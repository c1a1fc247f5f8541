// Key/value memory of half-read texts: pages of a few positions that texts with a common beginning
// share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/transformer_kernels.h"

namespace pgtrain {

// Hands out pages of a fixed size and counts their users. T is float or double. Memory grows
// geometrically and never moves.
template <class T>
class PagePool {
 public:
  explicit PagePool(int64_t page_values) : page_values_(page_values) {}

  // A page with one user; its content is undefined.
  int64_t take();
  void share(int64_t page) { ++users_[page]; }
  void release(int64_t page) {
    if (--users_[page] == 0) free_.push_back(page);
  }
  bool is_shared(int64_t page) const { return users_[page] > 1; }
  T* data(int64_t page) const { return data_[page]; }
  int64_t page_values() const { return page_values_; }
  int64_t pages_in_use() const { return static_cast<int64_t>(users_.size() - free_.size()); }

 private:
  int64_t page_values_;
  std::vector<std::unique_ptr<T[]>> slabs_;
  std::vector<T*> data_;
  std::vector<int32_t> users_;
  std::vector<int64_t> free_;
};

// The cache of one text.
template <class T>
class PagedText {
 public:
  int64_t length() const { return length_; }
  const T* const* pages() const { return data_.data(); }

  // Makes room for one more position that nobody else sees, and returns its page.
  T* extend(PagePool<T>& pool);
  // A second text with the same content.
  PagedText copy(PagePool<T>& pool) const;
  void release(PagePool<T>& pool);

 private:
  void own_last_page(PagePool<T>& pool);

  int64_t length_ = 0;
  std::vector<int64_t> pages_;
  std::vector<const T*> data_;
};

}  // namespace pgtrain
