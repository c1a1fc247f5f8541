#include <nlohmann/json.hpp>

#include "actions.h"
#include "commands.h"
#include "core/error.h"
#include "core/memory.h"
#include "modelfile/model_summary.h"
#include "modelfile/tensor_header.h"
#include "open_policy.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

// What there is to say beside the tensors, in order.
nlohmann::ordered_json facts_of(const PretrainedModel& model, const ModelSummary& summary) {
  nlohmann::ordered_json facts = {{"path", summary.path},
                                  {"format", summary.format},
                                  {"parameters", summary.parameters},
                                  {"tensors", summary.tensors.size()},
                                  {"stored_bytes", summary.bytes}};
  for (const auto& [dtype, bytes] : summary.dtype_bytes) facts["bytes_" + dtype] = bytes;
  if (model.adapter) {
    facts["rank"] = model.adapter->rank;
    facts["alpha"] = model.adapter->alpha;
    facts["target_modules"] = fmt::format("{}", fmt::join(model.adapter->target_modules, " "));
    facts["base_model"] = model.adapter->base_model;
    return facts;
  }
  const ModelOptions options = model_options_from_json(model.config, summary.path);
  facts["model_type"] = summary.model_type;
  facts["vocab_size"] = options.vocab_size;
  facts["hidden_size"] = options.hidden_size;
  facts["num_layers"] = options.num_layers;
  if (options.is_transformer()) {
    facts["num_heads"] = options.num_heads;
    facts["num_kv_heads"] = options.resolved_kv_heads();
    facts["head_dim"] = options.resolved_head_dim();
    facts["intermediate_size"] = options.resolved_intermediate_size();
    facts["max_positions"] = options.max_positions;
    facts["tied_head"] = options.tie_embeddings;
    facts["adaptable_modules"] = fmt::format("{}", fmt::join(adaptable_modules(options), " "));
  }
  facts["chat_template"] = !model.chat_template.empty();
  const auto parameters = static_cast<uint64_t>(parameter_count(options));
  facts["bytes_to_sample"] = parameters * 4;
  // Weights, gradients of two workers and of the step, two moments of Adam.
  facts["bytes_to_train_adam_2_threads"] = parameters * 4 * 6;
  return facts;
}

std::string shown(const std::string& key, const nlohmann::ordered_json& value) {
  if (value.is_string()) return escape_text(value.get<std::string>());
  if (key.find("bytes") != std::string::npos)
    return fmt::format("{} ({})", value.dump(), format_bytes(value.get<uint64_t>()));
  return value.dump();
}

}  // namespace

int run_inspect(const InspectFlags& flags) {
  CheckpointFlags source;
  source.path = flags.model;
  const PretrainedModel model = open_pretrained(find_checkpoint(source));
  const ModelSummary summary = summarise(model);
  nlohmann::ordered_json facts = facts_of(model, summary);
  if (flags.json) {
    facts["metadata"] = summary.metadata;
    if (flags.tensors)
      for (const TensorSummary& tensor : summary.tensors)
        facts["tensor_list"].push_back({{"name", tensor.name},
                                        {"dtype", tensor.dtype},
                                        {"shape", tensor.shape},
                                        {"bytes", tensor.bytes}});
    print(facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return kExitDone;
  }
  std::string text;
  for (const auto& [key, value] : facts.items())
    text += fmt::format("{:30} {}\n", key, shown(key, value));
  for (const auto& [key, value] : summary.metadata)
    text += fmt::format("{:30} {}\n", escape_text(key), value);
  if (flags.tensors)
    for (const TensorSummary& tensor : summary.tensors)
      text += fmt::format("{:60} {:5} {}\n", escape_text(tensor.name), tensor.dtype,
                          shape_text(tensor.shape));
  print(text);
  return kExitDone;
}

}  // namespace pgtrain
