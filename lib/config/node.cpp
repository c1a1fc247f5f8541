#include "config/node.h"

#include <algorithm>
#include <utility>

#include "config/scalar.h"

namespace pgtrain {

const ConfigNode::Entry* ConfigNode::find(const std::string& key) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

std::string ConfigNode::summary() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return (is_quoted ? "the text " : "") + in_quotes(text);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      break;
  }
  return "a block of keys";
}

void set_entry(ConfigNode& map, ConfigNode::Entry entry) {
  for (ConfigNode::Entry& old : map.entries) {
    if (old.key != entry.key) continue;
    old = std::move(entry);
    return;
  }
  map.entries.push_back(std::move(entry));
}

NodePtr merge(const NodePtr& base, const NodePtr& over) {
  if (base == nullptr || over == nullptr) return base == nullptr ? over : base;
  if (base->kind != ConfigNode::Kind::kMap) return over;
  if (over->kind == ConfigNode::Kind::kNull) return base;
  if (over->kind != ConfigNode::Kind::kMap || base->is_patch) return over;
  auto result = std::make_shared<ConfigNode>(*base);
  result->place = over->place;
  for (const ConfigNode::Entry& entry : over->entries) {
    const ConfigNode::Entry* old = base->find(entry.key);
    set_entry(*result,
              {entry.key, entry.place, merge(old == nullptr ? nullptr : old->value, entry.value)});
  }
  return result;
}

}  // namespace pgtrain
