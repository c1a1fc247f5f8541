// What a model computes, for comparisons with other programs.
// usage: model_logits MODEL < ids.jsonl
//        model_logits MODEL --greedy N < ids.jsonl
//        model_logits MODEL --encode < texts.jsonl
// MODEL: a Hugging Face folder, a GGUF file, a PEFT adapter or a checkpoint. The first two forms
// need no tokenizer, except for an adapter.
//
// For each line of standard input, a JSON array of token ids:
// - [ids, vocab_size] float32 values, the logits behind each id, by the network's training path,
//   one text at a time;
// - --greedy: a JSON array of the N most probable next tokens, one after the other, by the decoding
//   path, all texts in one batch;
// - --encode: the line is a JSON string; a JSON array of its token ids as a prompt.
#include <torch/torch.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "modelfile/pretrained.h"
#include "nn/language_model.h"
#include "nn/parameters.h"
#include "tensor/blas.h"
#include "train/policy.h"
#include "train/policy_source.h"

using namespace pgtrain;

namespace {

using Ids = std::vector<int64_t>;

struct Opened {
  std::unique_ptr<Policy> policy;  // of an adapter, which the network runs beside its base
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<ParameterBuffer> parameters;
  const LanguageModel& network() const { return policy ? policy->model() : *model; }
};

Opened open_model(const std::string& path) {
  Opened opened;
  const PretrainedModel file = open_pretrained(path);
  if (file.adapter) {
    opened.policy = Policy::open(path);
    return opened;
  }
  opened.model = make_language_model(model_options_from_json(file.config, path));
  opened.parameters = std::make_unique<ParameterBuffer>(opened.model->parameters());
  std::vector<NamedTensor> targets;
  for (const auto& parameter : opened.model->parameters())
    targets.push_back({parameter.name, parameter.tensor->detach()});
  read_weights(*file.weights, path, targets);
  return opened;
}

template <typename Value>
std::vector<Value> read_lines(std::istream& in) {
  std::vector<Value> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(nlohmann::json::parse(line).get<Value>());
  return lines;
}

void print_line(const Ids& ids) { std::cout << nlohmann::json(ids).dump() << "\n"; }

at::Tensor logits_of(const LanguageModel& model, const at::Tensor& hidden) {
  const at::Tensor bias = model.head_bias();
  const at::Tensor weight = model.head_weight().t();
  return bias.defined() ? at::addmm(bias, hidden, weight) : at::mm(hidden, weight);
}

void write_logits(const LanguageModel& model, const std::vector<Ids>& lines) {
  for (const Ids& ids : lines) {
    Sequence text{ids, 1};
    text.tokens.push_back(0);  // the last state is that before a further token
    const at::Tensor logits = logits_of(model, model.hidden({&text})).contiguous();
    const auto count = static_cast<size_t>(logits.numel());
    if (std::fwrite(logits.data_ptr<float>(), sizeof(float), count, stdout) != count)
      throw DiskError("standard output: cannot be written");
  }
}

void write_greedy(const LanguageModel& model, const std::vector<Ids>& lines, int64_t count) {
  std::vector<Ids> results(lines.size());
  const auto state = model.decode_state();
  state->start(lines);
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor best = logits_of(model, state->hidden()).argmax(1);
    const Ids tokens(best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel());
    for (size_t row = 0; row < tokens.size(); ++row) results[row].push_back(tokens[row]);
    state->step(tokens);
  }
  for (const Ids& result : results) print_line(result);
}

void write_encoded(const std::string& path, const std::vector<std::string>& texts) {
  const PolicySource source = open_policy_source(path, AdapterUse::kKeep);
  for (const std::string& text : texts) print_line(source.text.tokenizer->encode_prompt(text));
}

void run(const std::vector<std::string>& arguments) {
  const std::string& path = arguments[0];
  if (arguments.size() == 2) {
    write_encoded(path, read_lines<std::string>(std::cin));
    return;
  }
  prepare_blas();
  use_one_thread();
  const at::NoGradGuard no_gradients;
  const Opened opened = open_model(path);
  const auto lines = read_lines<Ids>(std::cin);
  if (arguments.size() == 3)
    write_greedy(opened.network(), lines, std::stoll(arguments[2]));
  else
    write_logits(opened.network(), lines);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool is_known = arguments.size() == 1 ||
                        (arguments.size() == 2 && arguments[1] == "--encode") ||
                        (arguments.size() == 3 && arguments[1] == "--greedy");
  if (!is_known) {
    std::cerr << "usage: model_logits MODEL [--greedy N | --encode] < lines\n";
    return kExitConfig;
  }
  try {
    run(arguments);
  } catch (const std::exception& error) {
    std::cerr << "model_logits: " << error.what() << "\n";
    return kExitInternal;
  }
}
