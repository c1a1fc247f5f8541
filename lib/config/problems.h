// All that is wrong with a configuration, collected before anything is reported.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/place.h"

namespace pgtrain {

class Problems {
 public:
  // A problem of the key's value, reported at the place that set it, or as "default". Ignored when
  // that key (or a block around it) could not be read: its value is not what the user meant. The
  // key is put before the message unless the message names it.
  void add(const std::string& key, const std::string& message);

  // The key was given in a file or an override; a preset's values do not count.
  bool is_set(const std::string& key) const {
    return places_ != nullptr && places_->count(key) != 0;
  }

  bool empty() const { return problems_.empty(); }
  size_t size() const { return problems_.size(); }
  // "place: error: message", the source line and a caret for each, in the order of sources and
  // lines.
  std::string text() const;

  // Used by load. add_at: a problem in reading the key; key may be empty. set_places: where each
  // given key was set.
  void add_at(const Place& place, const std::string& key, const std::string& message);
  void set_places(const std::map<std::string, Place>* places) { places_ = places; }

 private:
  struct Problem {
    Place place;
    std::string message;
  };
  bool is_unreadable(std::string key) const;

  std::vector<Problem> problems_;
  std::set<std::string> unreadable_;
  const std::map<std::string, Place>* places_ = nullptr;  // not owned
};

}  // namespace pgtrain
