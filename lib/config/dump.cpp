#include "config/dump.h"

#include "config/scalar.h"

namespace pgtrain {
namespace {

using Lines = std::vector<std::string>;

Lines section_lines(const Section& section, DumpMode mode);

void append_indented(Lines& lines, const Lines& nested, const std::string& first,
                     const std::string& rest) {
  for (size_t i = 0; i < nested.size(); ++i) lines.push_back((i == 0 ? first : rest) + nested[i]);
}

void append_list(Lines& lines, const std::string& key, const BlockList& list) {
  if (list.size() == 0) {
    lines.push_back(key + ": []");
    return;
  }
  lines.push_back(key + ":");
  for (size_t i = 0; i < list.size(); ++i) {
    Lines element = section_lines(*list.at(i), DumpMode::kFull);
    if (element.empty()) element = {"{}"};
    append_indented(lines, element, "  - ", "    ");
  }
}

void append_section(Lines& lines, const std::string& key, const Section& section, DumpMode mode) {
  const Lines nested = section_lines(section, mode);
  if (nested.empty()) return;
  lines.push_back(key + ":");
  append_indented(lines, nested, "  ", "  ");
}

Lines section_lines(const Section& section, DumpMode mode) {
  // A changed preset is applied again on loading, so the values that it would overwrite are needed,
  // too.
  const Field* preset = section.preset_field();
  if (preset != nullptr && preset->is_changed()) mode = DumpMode::kFull;
  const bool is_full = mode == DumpMode::kFull;
  Lines lines;
  for (const Section::Item& item : section.items()) {
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      if ((*field)->applies() && (is_full || (*field)->is_changed()))
        lines.push_back(item.key + ": " + scalar_text((*field)->value()));
    } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
      if (is_full || (*list)->is_changed()) append_list(lines, item.key, **list);
    } else {
      append_section(lines, item.key, *std::get<std::unique_ptr<Section>>(item.content), mode);
    }
  }
  return lines;
}

void flatten_into(const Section& section,
                  std::vector<std::pair<std::string, std::string>>& result) {
  for (const Section::Item& item : section.items()) {
    if (const auto* field = std::get_if<std::unique_ptr<Field>>(&item.content)) {
      if ((*field)->applies())
        result.emplace_back((*field)->path(), scalar_text((*field)->value()));
    } else if (const auto* list = std::get_if<std::unique_ptr<BlockList>>(&item.content)) {
      if ((*list)->size() == 0) result.emplace_back((*list)->path(), "[]");
      for (size_t i = 0; i < (*list)->size(); ++i) flatten_into(*(*list)->at(i), result);
    } else {
      flatten_into(*std::get<std::unique_ptr<Section>>(item.content), result);
    }
  }
}

}  // namespace

std::string dump(const Section& root, DumpMode mode) {
  std::string text;
  for (const std::string& line : section_lines(root, mode)) text += line + "\n";
  return text.empty() ? "{}\n" : text;
}

std::vector<std::pair<std::string, std::string>> flatten(const Section& root) {
  std::vector<std::pair<std::string, std::string>> result;
  flatten_into(root, result);
  return result;
}

}  // namespace pgtrain
