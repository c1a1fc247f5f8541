#include <CLI/CLI.hpp>

#include "actions.h"
#include "checkpoint_flags.h"
#include "commands.h"

namespace pgtrain {
namespace {

void add_output_flags(CLI::App& command, ModelOutputFlags& flags,
                      const std::vector<std::string>& formats, const std::string& format_help) {
  command
      .add_option("-o,--output", flags.path,
                  "the folder, or the .gguf file, to write; must not exist")
      ->required();
  command.add_option("-f,--format", flags.format, format_help)
      ->check(CLI::IsMember(formats))
      ->required();
  command
      .add_option("--dtype", flags.dtype,
                  "how weights are stored: f32, f16, bf16 (hf only) or q8_0 (gguf only)")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))
      ->capture_default_str();
  command
      .add_option("--max-shard-gb", flags.max_shard_gb,
                  "hf only: largest safetensors file of the folder, in GB; 5 unless given")
      ->check(CLI::Range(0.001, 1e6));
}

}  // namespace

void add_export_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command =
      app.add_subcommand("export", "Write a checkpoint's policy in a format of other tools");
  add_checkpoint_flags(*command, flags->source);
  add_output_flags(*command, flags->output, {"hf", "gguf", "peft"},
                   "hf: a Hugging Face folder; gguf: a file for llama.cpp; peft: the adapter alone "
                   "of a run with LoRA");
  command->add_flag("--merge", flags->merge,
                    "add the adapter of a run with LoRA to the weights; needed for hf and gguf");
  command->footer(
      "Examples:\n"
      "  pgtrain export --checkpoint runs/story_endings --format hf --output story-hf\n"
      "  pgtrain export --checkpoint runs/story_endings --format gguf --dtype q8_0 --output "
      "story.gguf\n"
      "  pgtrain export --checkpoint runs/lora --format gguf --merge --output lora.gguf");
  command->callback([flags, &action] { action = [flags] { return run_export(*flags); }; });
}

void add_convert_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = app.add_subcommand(
      "convert",
      "Rewrite a pretrained model: a Hugging Face folder, a GGUF file or a PEFT adapter "
      "with its base");
  command->add_option("model", flags->model, "the model to read")->required();
  add_output_flags(*command, flags->output, {"hf", "gguf"},
                   "hf: a Hugging Face folder; gguf: a file for llama.cpp");
  command->footer(
      "Examples:\n"
      "  pgtrain convert model.Q4_1.gguf --format hf --output model-hf\n"
      "  pgtrain convert model-hf --format gguf --dtype f16 --output model.gguf");
  command->callback([flags, &action] { action = [flags] { return run_convert(*flags); }; });
}

void add_inspect_command(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Say what a model file, folder or checkpoint holds and what it needs");
  command
      ->add_option("model", flags->model,
                   "a Hugging Face folder, GGUF file, PEFT adapter, run or checkpoint")
      ->required();
  command->add_flag("--tensors", flags->tensors, "list every tensor with its type and shape");
  command->add_flag("--json", flags->json, "one JSON line");
  command->footer(
      "Examples:\n"
      "  pgtrain inspect model.gguf\n"
      "  pgtrain inspect runs/quickstart --tensors");
  command->callback([flags, &action] { action = [flags] { return run_inspect(*flags); }; });
}

}  // namespace pgtrain
