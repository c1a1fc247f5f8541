#include "config/load.h"

#include <memory>
#include <set>
#include <utility>

#include "config/node.h"
#include "config/override.h"
#include "config/suggest.h"
#include "config/yaml_source.h"
#include "core/error.h"

namespace pgtrain {
namespace {

constexpr size_t kMostSuggestions = 100;  // each compares a key with all known ones

std::string listed(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : ", ") + word;
  return result;
}

// The files and overrides as one tree. Problems of a source as a whole leave it out.
NodePtr read_all(const std::vector<std::filesystem::path>& files,
                 const std::vector<std::string>& overrides, Problems& problems, bool& complete) {
  NodePtr tree;
  size_t order = 0;
  complete = true;
  const auto attempt = [&](const std::function<void()>& read) {
    try {
      read();
    } catch (const YamlError& e) {
      problems.add_at(e.place(), "", e.what());
      complete = false;
    }
  };
  for (const std::filesystem::path& file : files) {
    attempt([&] {
      auto unread = std::make_shared<Source>();
      unread->name = file.string();
      unread->order = order;
      Place whole;
      whole.source = unread;
      std::shared_ptr<Source> source;
      try {
        source = read_source(file.string(), order);
      } catch (const ConfigError& e) {
        throw YamlError(whole, e.what());
      }
      const NodePtr root = parse_yaml(source->text, source, true, problems);
      if (root == nullptr) throw YamlError(whole, "the file holds no keys");
      if (root->kind != ConfigNode::Kind::kMap)
        throw YamlError(root->place, "expected 'key: value' lines, got " + root->summary());
      tree = merge(tree, root);
    });
    ++order;
  }
  for (const std::string& text : overrides) {
    attempt([&] { tree = apply_override(tree, parse_override(text, order, problems)); });
    ++order;
  }
  return tree;
}

// The last file, or the command line when there is none.
Place whole_of(const std::vector<std::filesystem::path>& files) {
  auto source = std::make_shared<Source>();
  source->name = files.empty() ? "command line" : files.back().string();
  source->order = files.empty() ? 0 : files.size() - 1;
  Place place;
  place.source = source;
  return place;
}

}  // namespace

// Walks the merged tree and the sections side by side, assigns what fits and reports the rest.
class Binder {
 public:
  Binder(const Section& root, Place whole, bool reports_missing, Loaded& loaded, Problems& problems)
      : root_(root),
        whole_(std::move(whole)),
        reports_missing_(reports_missing),
        loaded_(loaded),
        problems_(problems) {}

  // node: null when nothing was given; around: the place for keys that are missing.
  void bind(const Section& section, const NodePtr& node, const Place& around) {
    NodePtr map = node;
    if (map != nullptr && map->kind == ConfigNode::Kind::kNull) map = nullptr;
    if (map != nullptr && map->kind != ConfigNode::Kind::kMap) {
      problems_.add_at(
          map->place, section.path(),
          fmt::format("'{}' is a block of keys, not {}", section.path(), map->summary()));
      return;
    }
    if (map != nullptr) report_unknown(section, *map);
    const Field* preset = section.preset_field();
    if (preset != nullptr) bind_preset(section, *preset, map, around);
    for (const Section::Item& item : section.items()) {
      const ConfigNode::Entry* entry = map == nullptr ? nullptr : map->find(item.key);
      if (entry != nullptr) loaded_.places_[section.path_of(item.key)] = entry->place;
      if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
        if (field->get() != preset) bind_field(**field, entry, around);
      } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
        if (entry != nullptr) bind_list(**list, *entry);
      } else {
        const Section& nested = *std::get<std::unique_ptr<Section>>(item.content);
        bind(nested, entry == nullptr ? nullptr : entry->value,
             entry == nullptr ? around : entry->place);
      }
    }
  }

 private:
  void report_unknown(const Section& section, const ConfigNode& map) {
    for (const ConfigNode::Entry& entry : map.entries) {
      if (section.find(entry.key) != nullptr) continue;
      const std::string path = section.path_of(entry.key);
      const bool suggests = ++suggestions_ <= kMostSuggestions;
      problems_.add_at(entry.place, path,
                       "unknown key " + in_quotes(path) +
                           (suggests ? key_suggestion(root_, section, entry.key) : ""));
    }
  }

  void bind_preset(const Section& section, const Field& preset, const NodePtr& map,
                   const Place& around) {
    const std::string key =
        preset.path().substr(section.path().empty() ? 0 : section.path().size() + 1);
    const ConfigNode::Entry* entry = map == nullptr ? nullptr : map->find(key);
    bind_field(preset, entry, around);
    if (entry != nullptr) mark_changed(section, entry->place);
  }

  void mark_changed(const Section& section, const Place& place) {
    for (const Section::Item& item : section.items()) {
      if (const auto* nested = std::get_if<std::unique_ptr<Section>>(&item.content)) {
        mark_changed(**nested, place);
      } else if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
        if ((*field)->is_changed()) loaded_.by_preset_[(*field)->path()] = place;
      }
    }
  }

  void bind_field(const Field& field, const ConfigNode::Entry* entry, const Place& around) {
    if (entry == nullptr) {
      if (field.is_required() && reports_missing_)
        problems_.add_at(around.source ? around : whole_, field.path(),
                         fmt::format("missing required key '{}': {}", field.path(), field.help()));
      return;
    }
    const bool has_place = entry->value->kind != ConfigNode::Kind::kNull &&
                           entry->value->kind != ConfigNode::Kind::kMap;
    try {
      field.set(checked(field, *entry->value));
    } catch (const ConfigError& e) {
      problems_.add_at(has_place ? entry->value->place : entry->place, field.path(), e.what());
    }
  }

  // The value of the node for the field. Throws ConfigError with the whole message but no place.
  Scalar checked(const Field& field, const ConfigNode& node) {
    Scalar value = convert(field, node);
    const auto* integer = std::get_if<int64_t>(&value);
    const auto* number = std::get_if<double>(&value);
    if ((integer != nullptr && !field.range().contains(*integer)) ||
        (number != nullptr && !field.range().contains(*number)))
      throw ConfigError(fmt::format("'{}' must be {}, not {}", field.path(), field.range().text(),
                                    scalar_text(value)));
    if (!field.choices().empty()) check_choice(field, std::get<std::string>(value));
    return value;
  }

  static void check_choice(const Field& field, const std::string& value) {
    for (const std::string& choice : field.choices())
      if (choice == value) return;
    const std::string near = nearest(value, field.choices());
    throw ConfigError(fmt::format("'{}' must be one of {}, not {}{}", field.path(),
                                  listed(field.choices()), in_quotes(value),
                                  near.empty() ? "" : "; did you mean " + in_quotes(near) + "?"));
  }

  static Scalar convert(const Field& field, const ConfigNode& node) {
    const Scalar& like = field.default_value();
    if (std::holds_alternative<std::vector<std::string>>(like)) return convert_texts(field, node);
    const std::string expected =
        fmt::format("'{}' must be {} {}", field.path(),
                    std::holds_alternative<int64_t>(like) ? "an" : "a", kind_name(like));
    if (node.kind != ConfigNode::Kind::kScalar)
      throw ConfigError(expected + ", not " + node.summary());
    if (std::holds_alternative<std::string>(like)) return checked_text(expected, node);
    if (node.is_quoted)
      throw ConfigError(expected + ", not " + node.summary() +
                        (node.text.empty() ? "" : "; remove the quotes"));
    try {
      if (std::holds_alternative<bool>(like)) return parse_boolean(node.text);
      if (std::holds_alternative<int64_t>(like)) return parse_integer(node.text);
      return parse_number(node.text);
    } catch (const ConfigError& e) {
      throw ConfigError(expected + ", not " + node.summary() + ": " + e.what());
    }
  }

  static std::string checked_text(const std::string& expected, const ConfigNode& node) {
    if (node.text.find('\0') != std::string::npos)
      throw ConfigError(expected + " without NUL characters");
    return node.text;
  }

  static Scalar convert_texts(const Field& field, const ConfigNode& node) {
    const std::string expected = "'" + field.path() + "' must be a list of texts, such as [a, b]";
    std::vector<std::string> texts = std::get<std::vector<std::string>>(field.value());
    if (node.kind == ConfigNode::Kind::kList) {
      texts.clear();
      for (const NodePtr& item : node.items) texts.push_back(element_text(expected, *item));
      return texts;
    }
    if (!node.is_patch) throw ConfigError(expected + ", not " + node.summary());
    std::map<int64_t, const ConfigNode*> changes;
    for (const ConfigNode::Entry& entry : node.entries)
      changes[list_index(entry.key)] = entry.value.get();
    for (const auto& [index, value] : changes) {
      if (index < 0 || index > static_cast<int64_t>(texts.size()))
        throw ConfigError(fmt::format("'{}' has {}: there is no index {}", field.path(),
                                      elements_text(texts.size()), index));
      if (index == static_cast<int64_t>(texts.size())) texts.emplace_back();
      texts[index] = element_text(expected, *value);
    }
    return texts;
  }

  static std::string element_text(const std::string& expected, const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kScalar)
      throw ConfigError(expected + "; one element is " + node.summary());
    return checked_text(expected, node);
  }

  void bind_list(const BlockList& list, const ConfigNode::Entry& entry) {
    const ConfigNode& node = *entry.value;
    if (node.kind == ConfigNode::Kind::kList) {
      list.reset(node.items.size());
      for (size_t i = 0; i < node.items.size(); ++i)
        bind_element(list, i, node.items[i], node.items[i]->place);
    } else if (node.is_patch) {
      patch_list(list, node);
    } else {
      const bool has_place = node.kind == ConfigNode::Kind::kScalar;
      problems_.add_at(
          has_place ? node.place : entry.place, list.path(),
          fmt::format("'{}' must be a list of blocks, such as [{{key: value}}], not {}",
                      list.path(), node.summary()));
    }
  }

  void patch_list(const BlockList& list, const ConfigNode& node) {
    std::map<int64_t, const ConfigNode::Entry*> changes;
    for (const ConfigNode::Entry& entry : node.entries) changes[list_index(entry.key)] = &entry;
    for (const auto& [index, entry] : changes) {
      if (index < 0 || index > static_cast<int64_t>(list.size())) {
        problems_.add_at(entry->place, list.path(),
                         fmt::format("'{}' has {}: there is no index {}", list.path(),
                                     elements_text(list.size()), in_quotes(entry->key)));
        continue;
      }
      if (index == static_cast<int64_t>(list.size())) list.grow();
      bind_element(list, static_cast<size_t>(index), entry->value, entry->place);
    }
  }

  void bind_element(const BlockList& list, size_t index, const NodePtr& node, const Place& place) {
    const std::unique_ptr<Section> element = list.at(index);
    loaded_.places_[element->path()] = place;
    bind(*element, node, place);
  }

  const Section& root_;
  Place whole_;  // stands for the sources as a whole
  bool reports_missing_;
  Loaded& loaded_;
  Problems& problems_;
  size_t suggestions_ = 0;

 public:
  // Places of given keys and of what presets assigned.
  static std::map<std::string, Place> all_places(const Loaded& loaded) {
    std::map<std::string, Place> result = loaded.places_;
    result.insert(loaded.by_preset_.begin(), loaded.by_preset_.end());
    return result;
  }
};

std::string Loaded::place_of(const std::string& key) const {
  const auto given = places_.find(key);
  if (given != places_.end()) return given->second.text();
  const auto preset = by_preset_.find(key);
  return preset != by_preset_.end() ? preset->second.text() : Place().text();
}

Loaded load(Section& root, const std::vector<std::filesystem::path>& files,
            const std::vector<std::string>& overrides,
            const std::function<void(Problems&)>& validate) {
  Problems problems;
  Loaded loaded;
  bool complete = false;
  const NodePtr tree = read_all(files, overrides, problems, complete);
  // A key of a source that could not be read is not missing, and validate would judge values that
  // nobody meant.
  Binder(root, whole_of(files), complete, loaded, problems).bind(root, tree, Place());
  if (complete && validate) {
    const auto places = Binder::all_places(loaded);
    problems.set_places(&places, [&](const std::string& key) { return loaded.is_set(key); });
    validate(problems);
    problems.set_places(nullptr, {});
  }
  if (!problems.empty()) throw ConfigError(problems.text());
  return loaded;
}

}  // namespace pgtrain
