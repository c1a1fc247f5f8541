// What a run needs of the machine's memory, worked out before anything large is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/experiment.h"
#include "train/prepare.h"

namespace pgtrain {

struct MemoryItem {
  std::string name;        // "gradients"
  std::string arithmetic;  // "3 x 260032 x 4 B"
  uint64_t bytes = 0;
};

// Trainable values of a policy: all of its parameters, or with model.lora those of the adapters.
int64_t trainable_count(const ModelOptions& options);

// The large items of a run on so many workers, in float32. Weights, gradients, optimiser and copies
// are exact; what a worker holds at once in generation or update is a bound from the longest of the
// first prompts and rollout.max_new_tokens.
std::vector<MemoryItem> estimate_memory(const ExperimentConfig& config,
                                        const PreparedExperiment& experiment, int workers);

uint64_t total_bytes(const std::vector<MemoryItem>& items);
// One line an item, each with its arithmetic, and the total.
std::string memory_table(const std::vector<MemoryItem>& items);

// Throws ConfigError with the table when the items need more than `available` bytes (0 = unknown:
// nothing is refused).
void check_memory(const std::vector<MemoryItem>& items, uint64_t available);

}  // namespace pgtrain
