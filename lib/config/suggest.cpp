#include "config/suggest.h"

#include <algorithm>

#include "config/scalar.h"

namespace pgtrain {
namespace {

constexpr size_t kLongestKey = 100;  // longer words are no typing errors, and would cost time

void collect(const Section& section, std::vector<std::string>& paths) {
  for (const Section::Item& item : section.items()) {
    paths.push_back(section.path_of(item.key));
    if (const auto* nested = std::get_if<std::unique_ptr<Section>>(&item.content))
      collect(**nested, paths);
    if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content))
      collect((*list)->element(), paths);
  }
}

std::string last_name(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

std::string join_quoted(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : ", ") + in_quotes(word);
  return result;
}

std::vector<std::string> keys_of(const Section& section) {
  std::vector<std::string> keys;
  for (const Section::Item& item : section.items()) keys.push_back(item.key);
  return keys;
}

std::string known_keys(const Section& section) {
  std::string result;
  for (const std::string& key : keys_of(section)) result += (result.empty() ? "" : ", ") + key;
  if (result.empty()) return "; no keys are known here";
  return (section.path().empty() ? "; known keys are "
                                 : "; known keys of '" + section.path() + "' are ") +
         result;
}

}  // namespace

size_t typing_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before;
  std::vector<size_t> last(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(last);
    last = std::move(row);
  }
  return last[b.size()];
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  if (word.size() > kLongestKey) return "";
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string result;
  for (const std::string& candidate : candidates) {
    const size_t distance = typing_distance(word, candidate);
    if (distance >= best || distance >= candidate.size()) continue;
    best = distance;
    result = candidate;
  }
  return result;
}

std::vector<std::string> leaf_paths(const Section& section) {
  std::vector<std::string> paths;
  collect(section, paths);
  return paths;
}

std::string key_suggestion(const Section& root, const Section& section, const std::string& key) {
  const std::vector<std::string> paths = leaf_paths(root);
  if (std::find(paths.begin(), paths.end(), key) != paths.end() &&
      key.find('.') != std::string::npos)
    return "; write it as nested blocks, one level for each dot";
  const std::string sibling = nearest(key, keys_of(section));
  if (!sibling.empty()) return "; did you mean " + in_quotes(section.path_of(sibling)) + "?";

  std::vector<std::string> same_name;
  for (const std::string& path : paths)
    if (last_name(path) == key) same_name.push_back(path);
  if (!same_name.empty()) return "; this key exists as " + join_quoted(same_name);

  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const std::string& path : paths) names.push_back(last_name(path));
  const std::string name = nearest(key, names);
  if (name.empty()) return known_keys(section);
  std::vector<std::string> near;
  for (size_t i = 0; i < paths.size(); ++i)
    if (names[i] == name) near.push_back(paths[i]);
  return "; did you mean " + join_quoted(near) + "?";
}

}  // namespace pgtrain
