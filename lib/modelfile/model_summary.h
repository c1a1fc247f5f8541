// What a model file holds, for people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "modelfile/pretrained.h"

namespace pgtrain {

struct TensorSummary {
  std::string name;
  std::string dtype;  // as stored: "BF16", "Q4_K", ...
  std::vector<int64_t> shape;
  int64_t elements = 0;
  uint64_t bytes = 0;  // as stored
};

struct ModelSummary {
  std::string path;
  std::string format;                           // of PretrainedModel
  std::string model_type;                       // of the config; "" without one
  std::vector<TensorSummary> tensors;           // in the file's order; an adapter's by module
  int64_t parameters = 0;                       // elements of all tensors
  uint64_t bytes = 0;                           // stored bytes of all tensors
  std::map<std::string, uint64_t> dtype_bytes;  // stored bytes by dtype
  std::map<std::string, std::string> metadata;  // of PretrainedModel
};

// Reads no weights.
ModelSummary summarise(const PretrainedModel& model);

}  // namespace pgtrain
