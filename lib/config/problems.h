// All that is wrong with a configuration, collected before anything is reported.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
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
  bool is_set(const std::string& key) const { return is_set_ && is_set_(key); }

  bool empty() const { return problems_.empty(); }
  size_t size() const { return problems_.size(); }
  // "place: error: message", the source line and a caret for each, in the order of sources and
  // lines.
  std::string text() const;

  // Used by load. add_at: a problem in reading the key; key may be empty. set_places: where each
  // given key, or the preset that assigned it, was set, and which keys were given.
  void add_at(const Place& place, const std::string& key, const std::string& message);
  void set_places(const std::map<std::string, Place>* places,
                  std::function<bool(const std::string&)> is_set) {
    places_ = places;
    is_set_ = std::move(is_set);
  }

 private:
  struct Problem {
    Place place;
    std::string message;
  };
  bool is_unreadable(std::string key) const;

  std::vector<Problem> problems_;
  std::set<std::string> unreadable_;
  const std::map<std::string, Place>* places_ = nullptr;  // not owned
  std::function<bool(const std::string&)> is_set_;
};

}  // namespace pgtrain
