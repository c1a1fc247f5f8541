#include "config/problems.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace pgtrain {
namespace {

constexpr size_t kMostShown = 50;

std::tuple<size_t, size_t, size_t> order_of(const Place& place) {
  const size_t source = place.source ? place.source->order : std::numeric_limits<size_t>::max();
  return {source, place.line, place.column};
}

}  // namespace

void Problems::add(const std::string& key, const std::string& message) {
  if (is_unreadable(key)) return;
  Place place;
  if (places_ != nullptr) {
    const auto found = places_->find(key);
    if (found != places_->end()) place = found->second;
  }
  const bool named = key.empty() || message.find(key) != std::string::npos;
  problems_.push_back({place, named ? message : key + ": " + message});
}

void Problems::add_at(const Place& place, const std::string& key, const std::string& message) {
  if (!key.empty()) unreadable_.insert(key);
  problems_.push_back({place, message});
}

bool Problems::is_unreadable(std::string key) const {
  while (unreadable_.count(key) == 0) {
    const size_t dot = key.rfind('.');
    if (dot == std::string::npos) return false;
    key.resize(dot);
  }
  return true;
}

std::string Problems::text() const {
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return order_of(a.place) < order_of(b.place);
  });
  std::string result;
  for (size_t i = 0; i < sorted.size() && i < kMostShown; ++i) {
    const std::string excerpt = sorted[i].place.excerpt();
    result += sorted[i].place.text() + ": error: " + sorted[i].message + "\n" + excerpt;
  }
  if (sorted.size() > kMostShown)
    result += "and " + std::to_string(sorted.size() - kMostShown) + " more errors\n";
  if (!result.empty()) result.pop_back();
  return result;
}

}  // namespace pgtrain
