// Post-processors of tokenizer.json, as far as they concern ids: what stands around a single text.
#pragma once

#include <cstdint>
#include <vector>

#include "text/json_view.h"

namespace pgtrain {

struct TextFrame {
  std::vector<int64_t> before;  // for example <s>
  std::vector<int64_t> after;
};

// TemplateProcessing (its template for single texts), BertProcessing, RobertaProcessing, ByteLevel
// (nothing) and Sequence. Throws DataError for another type, a wrong member, or an id that is not
// below vocab_size.
TextFrame read_post_processor(const JsonView& json, int64_t vocab_size);

}  // namespace pgtrain
