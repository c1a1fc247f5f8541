// The field list of an options struct: one describe() function per struct binds its fields to YAML
// keys, and loading, ranges, defaults, help, dump and JSON Schema all follow from it.
//
//   void describe(Section& s, RolloutOptions& o) {
//     s.field("temperature", o.temperature, "divides the logits before sampling", above(0));
//   }
//
// A Section points into the options it describes: they must outlive it and stay where they are. A
// default is the value that the options hold when they are described.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/range.h"
#include "config/scalar.h"

namespace pgtrain {

class Section;

// One key with one value.
class Field {
 public:
  // The key must be given in a file or an override.
  Field& required() {
    is_required_ = true;
    return *this;
  }

  // The key means nothing while this returns false: it is then left out of dumps. Whoever describes
  // the options refuses it when it is set all the same.
  Field& applies_if(std::function<bool()> applies) {
    applies_ = std::move(applies);
    return *this;
  }

  const std::string& path() const { return path_; }  // dotted, from the root
  const std::string& help() const { return help_; }
  const Range& range() const { return range_; }
  // The allowed texts; empty = any value.
  const std::vector<std::string>& choices() const { return choices_; }
  bool is_required() const { return is_required_; }
  bool is_preset() const { return !presets_.empty(); }
  Scalar value() const { return get_(); }
  const Scalar& default_value() const { return default_; }
  bool is_changed() const;
  bool applies() const { return !applies_ || applies_(); }

  // Assigns a value of the default's type that is in the range and among the choices; a preset is
  // applied.
  void set(const Scalar& value) const;

 private:
  friend class Section;
  std::string path_;
  std::string help_;
  Range range_;
  std::vector<std::string> choices_;
  std::vector<std::function<void()>> presets_;  // one for each choice
  bool is_required_ = false;
  std::function<bool()> applies_;
  Scalar default_ = false;
  std::function<Scalar()> get_;
  std::function<void(const Scalar&)> set_;
};

// A key with a YAML sequence of blocks, each described in the same way. Without a file the elements
// are the default ones; a list that is given replaces them all, each element starting from the
// defaults of its type.
class BlockList {
 public:
  const std::string& path() const { return path_; }
  const std::string& help() const { return help_; }
  // The keys of one element.
  const Section& element() const { return *element_; }
  size_t size() const { return size_(); }
  size_t default_size() const { return default_size_; }
  // The i-th element, or the i-th of the default list, as a section for as long as the list keeps
  // its size.
  std::unique_ptr<Section> at(size_t i) const;
  std::unique_ptr<Section> default_at(size_t i) const;
  // Replaces the list by `size` new elements, or adds one.
  void reset(size_t size) const { reset_(size); }
  void grow() const { grow_(); }
  bool is_changed() const;

 private:
  friend class Section;
  std::string path_;
  std::string help_;
  size_t default_size_ = 0;
  std::unique_ptr<Section> element_;
  std::function<size_t()> size_;
  std::function<void(size_t)> reset_;
  std::function<void()> grow_;
  std::function<void(size_t, Section&)> describe_;
  std::function<void(size_t, Section&)> describe_default_;
};

class Section {
 public:
  struct Item {
    std::string key;
    std::variant<std::unique_ptr<Field>, std::unique_ptr<BlockList>, std::unique_ptr<Section>>
        content;
  };

  explicit Section(std::string path = "", std::string help = "");
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // Keys are lower-case words with digits and underscores, all different within a section. help is
  // one line: meaning, unit, the value that disables it. A range is for integers and numbers only.
  Field& field(const std::string& key, bool& target, const std::string& help);
  Field& field(const std::string& key, int64_t& target, const std::string& help,
               const Range& range = {});
  Field& field(const std::string& key, double& target, const std::string& help,
               const Range& range = {});
  Field& field(const std::string& key, std::string& target, const std::string& help);
  Field& field(const std::string& key, std::vector<std::string>& target, const std::string& help);

  // One of the listed texts.
  Field& choice(const std::string& key, std::string& target,
                const std::vector<std::string>& choices, const std::string& help);
  // One of the listed names, each of which stands for an enumerator; the present value must be
  // listed.
  template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>>
  Field& choice(const std::string& key, Enum& target,
                const std::vector<std::pair<std::string, Enum>>& choices, const std::string& help);

  // A choice whose function is called before any other key of this section is set, whatever the
  // order of the keys and wherever they come from, so that each single key overrides what the
  // preset assigns. Only a preset that is given in a file or an override is called: the defaults of
  // the options must agree with the default preset.
  Field& preset(const std::string& key, std::string& target,
                const std::vector<std::pair<std::string, std::function<void()>>>& presets,
                const std::string& help);

  // A nested block.
  Section& section(const std::string& key, const std::string& help);

  // A sequence of blocks, each described by describe(Section&, T&), found through T's namespace.
  template <class T>
  BlockList& list(const std::string& key, std::vector<T>& target, const std::string& help);

  const std::string& path() const { return path_; }  // "" for the root
  const std::string& help() const { return help_; }
  const std::vector<Item>& items() const { return items_; }
  const Item* find(const std::string& key) const;
  // The preset of this section, or null.
  const Field* preset_field() const { return preset_; }
  std::string path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

 private:
  template <class T>
  Field& bind(const std::string& key, T& target, const std::string& help);
  Field& add_field(const std::string& key, const std::string& help, std::function<Scalar()> get,
                   std::function<void(const Scalar&)> set);
  BlockList& add_list(const std::string& key, const std::string& help);
  void add_item(const std::string& key, decltype(Item::content) content);
  static void fail_enum(const std::string& path);

  std::string path_;
  std::string help_;
  std::vector<Item> items_;
  Field* preset_ = nullptr;
};

template <class Enum, class>
Field& Section::choice(const std::string& key, Enum& target,
                       const std::vector<std::pair<std::string, Enum>>& choices,
                       const std::string& help) {
  const auto get = [&target, choices, path = path_of(key)]() -> Scalar {
    for (const auto& [name, value] : choices)
      if (value == target) return name;
    fail_enum(path);
    return std::string();
  };
  const auto set = [&target, choices](const Scalar& name) {
    for (const auto& choice : choices)
      if (choice.first == std::get<std::string>(name)) target = choice.second;
  };
  Field& field = add_field(key, help, get, set);
  for (const auto& choice : choices) field.choices_.push_back(choice.first);
  return field;
}

template <class T>
BlockList& Section::list(const std::string& key, std::vector<T>& target, const std::string& help) {
  BlockList& result = add_list(key, help);
  // Kept alive by the functions that use them.
  const auto prototype = std::make_shared<T>();
  const auto defaults = std::make_shared<std::vector<T>>(target);
  result.default_size_ = target.size();
  result.size_ = [&target] { return target.size(); };
  result.reset_ = [&target](size_t size) { target = std::vector<T>(size); };
  result.grow_ = [&target] { target.emplace_back(); };
  result.describe_ = [&target, prototype](size_t i, Section& section) {
    describe(section, target.at(i));
  };
  result.describe_default_ = [defaults](size_t i, Section& section) {
    describe(section, defaults->at(i));
  };
  describe(*result.element_, *prototype);
  return result;
}

}  // namespace pgtrain
