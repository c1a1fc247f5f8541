#include "config/section.h"

#include <algorithm>

#include "config/dump.h"
#include "core/error.h"

namespace pgtrain {
namespace {

bool is_key(const std::string& key) {
  if (key.empty() || key[0] < 'a' || key[0] > 'z') return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Equal doubles with different bits (0 and -0) are different values here: a dump must restore each.
bool same(const Scalar& a, const Scalar& b) {
  return a.index() == b.index() && scalar_text(a) == scalar_text(b);
}

}  // namespace

bool Field::is_changed() const { return !same(value(), default_); }

void Field::set(const Scalar& value) const {
  PG_CHECK(value.index() == default_.index(), "'{}' got a {}", path_, kind_name(value));
  set_(value);
  for (size_t i = 0; i < presets_.size(); ++i)
    if (choices_[i] == std::get<std::string>(value)) presets_[i]();
}

std::unique_ptr<Section> BlockList::at(size_t i) const {
  auto section = std::make_unique<Section>(path_ + "." + std::to_string(i), help_);
  describe_(i, *section);
  return section;
}

std::unique_ptr<Section> BlockList::default_at(size_t i) const {
  auto section = std::make_unique<Section>(path_ + "." + std::to_string(i), help_);
  describe_default_(i, *section);
  return section;
}

bool BlockList::is_changed() const {
  if (size() != default_size_) return true;
  for (size_t i = 0; i < default_size_; ++i)
    if (flatten(*at(i)) != flatten(*default_at(i))) return true;
  return false;
}

Section::Section(std::string path, std::string help)
    : path_(std::move(path)), help_(std::move(help)) {}

Section::~Section() = default;

template <class T>
Field& Section::bind(const std::string& key, T& target, const std::string& help) {
  return add_field(
      key, help, [&target]() -> Scalar { return target; },
      [&target](const Scalar& value) { target = std::get<T>(value); });
}

Field& Section::field(const std::string& key, bool& target, const std::string& help) {
  return bind(key, target, help);
}

Field& Section::field(const std::string& key, int64_t& target, const std::string& help,
                      const Range& range) {
  Field& field = bind(key, target, help);
  field.range_ = range;
  return field;
}

Field& Section::field(const std::string& key, double& target, const std::string& help,
                      const Range& range) {
  Field& field = bind(key, target, help);
  field.range_ = range;
  return field;
}

Field& Section::field(const std::string& key, std::string& target, const std::string& help) {
  return bind(key, target, help);
}

Field& Section::field(const std::string& key, std::vector<std::string>& target,
                      const std::string& help) {
  return bind(key, target, help);
}

Field& Section::choice(const std::string& key, std::string& target,
                       const std::vector<std::string>& choices, const std::string& help) {
  PG_CHECK(!choices.empty(), "'{}' has no choices", path_of(key));
  Field& field = bind(key, target, help);
  field.choices_ = choices;
  return field;
}

Field& Section::preset(const std::string& key, std::string& target,
                       const std::vector<std::pair<std::string, std::function<void()>>>& presets,
                       const std::string& help) {
  PG_CHECK(preset_ == nullptr, "section '{}' has two presets", path_);
  PG_CHECK(!presets.empty(), "'{}' has no choices", path_of(key));
  Field& field = bind(key, target, help);
  for (const auto& [name, apply] : presets) {
    field.choices_.push_back(name);
    field.presets_.push_back(apply);
  }
  preset_ = &field;
  return field;
}

Section& Section::section(const std::string& key, const std::string& help) {
  auto nested = std::make_unique<Section>(path_of(key), help);
  Section& result = *nested;
  add_item(key, std::move(nested));
  return result;
}

const Section::Item* Section::find(const std::string& key) const {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.key == key; });
  return found == items_.end() ? nullptr : &*found;
}

Field& Section::add_field(const std::string& key, const std::string& help,
                          std::function<Scalar()> get, std::function<void(const Scalar&)> set) {
  auto field = std::make_unique<Field>();
  field->path_ = path_of(key);
  field->help_ = help;
  field->get_ = std::move(get);
  field->set_ = std::move(set);
  field->default_ = field->get_();
  Field& result = *field;
  add_item(key, std::move(field));
  return result;
}

BlockList& Section::add_list(const std::string& key, const std::string& help) {
  auto list = std::make_unique<BlockList>();
  list->path_ = path_of(key);
  list->help_ = help;
  list->element_ = std::make_unique<Section>(path_of(key) + ".N", help);
  BlockList& result = *list;
  add_item(key, std::move(list));
  return result;
}

void Section::add_item(const std::string& key, decltype(Item::content) content) {
  PG_CHECK(is_key(key), "'{}' is no valid key", path_of(key));
  PG_CHECK(find(key) == nullptr, "'{}' is described twice", path_of(key));
  items_.push_back({key, std::move(content)});
}

void Section::fail_enum(const std::string& path) {
  throw InternalError("the value of '" + path + "' is none of its choices");
}

}  // namespace pgtrain
