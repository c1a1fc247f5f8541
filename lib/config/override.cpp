#include "config/override.h"

#include <algorithm>
#include <memory>

#include "config/scalar.h"
#include "config/yaml_source.h"
#include "core/error.h"

namespace pgtrain {
namespace {

std::string trimmed(const std::string& text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string::npos) return "";
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

Place place_for(const std::string& text, size_t order) {
  const std::string shown = in_quotes(text);
  auto source = std::make_shared<Source>();
  source->name = "--set " + shown.substr(1, shown.size() - 2);
  source->order = order;
  Place place;
  place.source = source;
  return place;
}

std::vector<std::string> split(const std::string& key, const Place& place) {
  std::vector<std::string> path;
  size_t start = 0;
  while (start <= key.size()) {
    const size_t dot = std::min(key.find('.', start), key.size());
    path.push_back(key.substr(start, dot - start));
    if (path.back().empty())
      throw YamlError(place, "the key " + in_quotes(key) + " has an empty part");
    start = dot + 1;
  }
  if (static_cast<int64_t>(path.size()) > kMaxConfigDepth)
    throw YamlError(place, fmt::format("the key is nested deeper than {} levels", kMaxConfigDepth));
  return path;
}

NodePtr parse_value(const std::string& text, const Place& place, Problems& problems) {
  if (text.size() > kMaxConfigBytes) throw YamlError(place, "the value is too long");
  try {
    check_characters(text);
  } catch (const ConfigError& e) {
    throw YamlError(place, std::string("the value cannot be read: ") + e.what());
  }
  NodePtr value = parse_yaml(text, place.source, false, problems);
  if (value != nullptr) return value;
  auto empty = std::make_shared<ConfigNode>();
  empty->place = place;
  if (trimmed(text).empty()) {  // "a.b=" gives the empty text
    empty->kind = ConfigNode::Kind::kScalar;
    empty->is_quoted = true;
  }
  return empty;
}

NodePtr assign(const NodePtr& base, const Override& change, size_t level) {
  if (level == change.path.size()) return merge(base, change.value);
  const std::string& name = change.path[level];
  if (base != nullptr && base->kind == ConfigNode::Kind::kList) {
    const int64_t index = list_index(name);
    const size_t list_size = base->items.size();
    if (index < 0 || index > static_cast<int64_t>(list_size))
      throw YamlError(change.place, "this list has " + elements_text(list_size) +
                                        ": there is no index " + in_quotes(name));
    auto list = std::make_shared<ConfigNode>(*base);
    if (index == static_cast<int64_t>(list_size)) list->items.push_back(nullptr);
    list->items[index] = assign(list->items[index], change, level + 1);
    return list;
  }
  std::shared_ptr<ConfigNode> map;
  if (base != nullptr && base->kind == ConfigNode::Kind::kMap) {
    map = std::make_shared<ConfigNode>(*base);
    map->is_patch = base->is_patch && list_index(name) >= 0;
  } else {
    map = std::make_shared<ConfigNode>();
    map->kind = ConfigNode::Kind::kMap;
    map->place = change.place;
    map->is_patch = list_index(name) >= 0;
  }
  const ConfigNode::Entry* old = map->find(name);
  set_entry(*map,
            {name, change.place, assign(old == nullptr ? nullptr : old->value, change, level + 1)});
  return map;
}

}  // namespace

int64_t list_index(const std::string& text) {
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
    return -1;
  return std::stoll(text);
}

Override parse_override(const std::string& text, size_t order, Problems& problems) {
  Override result;
  result.place = place_for(text, order);
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    throw YamlError(result.place,
                    "an override has the form key=value, for example train.steps=100");
  const std::string key = trimmed(text.substr(0, equals));
  if (key.empty()) throw YamlError(result.place, "the key before '=' is empty");
  result.path = split(key, result.place);
  result.value = parse_value(text.substr(equals + 1), result.place, problems);
  return result;
}

NodePtr apply_override(const NodePtr& tree, const Override& change) {
  return assign(tree, change, 0);
}

}  // namespace pgtrain
