#include "train/supervised.h"

#include <ATen/ATen.h>

namespace pgtrain {

std::vector<Sequence> target_sequences(const PolicyText& text, const Dataset& data,
                                       const std::vector<int64_t>& records) {
  std::vector<Sequence> sequences;
  for (const int64_t index : records) {
    const Record& record = data[index];
    Sequence sequence;
    sequence.tokens = text.encode_prompt(record);
    sequence.prompt_length = static_cast<int64_t>(sequence.tokens.size());
    for (const int64_t id : text.tokenizer->encode(record.targets[0]))
      sequence.tokens.push_back(id);
    sequence.tokens.push_back(text.tokenizer->eos_id());
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

ExtraBatch cross_entropy(const std::vector<Sequence>& sequences, double coef) {
  ExtraBatch result;
  for (const Sequence& sequence : sequences) result.batch.sequences.push_back(&sequence);
  result.batch.mask = completion_mask(result.batch.sequences);
  result.batch.advantages = result.batch.mask * coef;
  result.objective.aggregation = Aggregation::kTokenMean;
  return result;
}

}  // namespace pgtrain
