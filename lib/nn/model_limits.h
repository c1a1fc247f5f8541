// Largest sizes that are accepted, from YAML as from config.json.
#pragma once

#include <cstdint>

namespace pgtrain {

constexpr int64_t kMaxSize = 1 << 20;
constexpr int64_t kMaxVocabulary = kMaxSize * 16;
constexpr int64_t kMaxLayers = 256;
constexpr int64_t kMaxHeads = 1 << 10;
constexpr int64_t kMaxHeadSize = 1 << 12;
constexpr int64_t kMaxPositions = 1 << 24;
constexpr int64_t kMaxRank = 1 << 12;

}  // namespace pgtrain
