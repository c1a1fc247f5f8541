#include "config/section.h"
#include "dataset/dataset.h"

namespace pgtrain {

void describe(Section& s, DataOptions& o) {
  s.field("train", o.train, "records to train on (.jsonl or .tsv)").required();
  s.field("eval", o.eval, "records to evaluate on; empty = no evaluation");
  s.field("prompt_field", o.prompt_field,
          "field with the prompt; empty = every prompt is the empty text");
  s.field("prompt_template", o.prompt_template,
          "prompt made of fields, \"Translate: {source}\"; empty = the prompt field as it is");
  s.field("target_field", o.target_field,
          "field with the target: a text, or a list of texts of which the best one counts");
}

}  // namespace pgtrain
