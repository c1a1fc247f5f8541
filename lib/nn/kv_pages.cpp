#include "nn/kv_pages.h"

#include <algorithm>

namespace pgtrain {

template <class T>
int64_t PagePool<T>::take() {
  if (free_.empty()) {
    const auto more = std::max<int64_t>(4, static_cast<int64_t>(data_.size()) / 2);
    // Not value-initialised: pages cost memory when they are first written.
    slabs_.emplace_back(new T[static_cast<size_t>(more * page_values_)]);
    for (int64_t i = more - 1; i >= 0; --i) free_.push_back(static_cast<int64_t>(data_.size()) + i);
    for (int64_t i = 0; i < more; ++i) data_.push_back(slabs_.back().get() + i * page_values_);
    users_.resize(data_.size(), 0);
  }
  const int64_t page = free_.back();
  free_.pop_back();
  users_[page] = 1;
  return page;
}

template <class T>
T* PagedText<T>::extend(PagePool<T>& pool) {
  if (length_ % kPagePositions == 0) {
    pages_.push_back(pool.take());
    data_.push_back(pool.data(pages_.back()));
  } else {
    own_last_page(pool);
  }
  ++length_;
  return pool.data(pages_.back());
}

template <class T>
void PagedText<T>::own_last_page(PagePool<T>& pool) {
  const int64_t old = pages_.back();
  if (!pool.is_shared(old)) return;
  const int64_t page = pool.take();
  std::copy_n(pool.data(old), pool.page_values(), pool.data(page));
  pool.release(old);
  pages_.back() = page;
  data_.back() = pool.data(page);
}

template <class T>
PagedText<T> PagedText<T>::copy(PagePool<T>& pool) const {
  for (const int64_t page : pages_) pool.share(page);
  return *this;
}

template <class T>
void PagedText<T>::release(PagePool<T>& pool) {
  for (const int64_t page : pages_) pool.release(page);
  pages_.clear();
  data_.clear();
  length_ = 0;
}

template class PagePool<float>;
template class PagePool<double>;
template class PagedText<float>;
template class PagedText<double>;

}  // namespace pgtrain
