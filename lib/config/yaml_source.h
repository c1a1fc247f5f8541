// Strict reading of one YAML text: what yaml-cpp accepts silently (duplicate keys, several
// documents, merge keys, tags) is a problem here, and size, depth and aliases are limited.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "config/node.h"
#include "config/problems.h"

namespace pgtrain {

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr int64_t kMaxConfigDepth = 64;
constexpr int64_t kMaxConfigNodes = 20000;  // with aliases written out

// Reads the file. Throws ConfigError (the reason only) when it is missing, unreadable, too large or
// no UTF-8 text.
std::shared_ptr<Source> read_source(const std::string& path, size_t order);

// Throws ConfigError (the reason only) unless text is UTF-8 without control characters other than
// tab and line ends.
void check_characters(const std::string& text);

// The tree of the text; null for an empty one. Places point into `source` and have no line when
// with_lines is false (an override). Throws YamlError for text that cannot be read at all; adds a
// problem for what is not allowed.
NodePtr parse_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
                   bool with_lines, Problems& problems);

// A syntax error and its place.
class YamlError : public std::runtime_error {
 public:
  YamlError(Place where, const std::string& message)
      : std::runtime_error(message), place_(std::move(where)) {}
  const Place& place() const { return place_; }

 private:
  Place place_;
};

}  // namespace pgtrain
