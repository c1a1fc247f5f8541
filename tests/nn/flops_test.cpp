#include "nn/flops.h"

#include "support/support.h"

using namespace pgtrain;

namespace {

ModelOptions recurrent(const char* kind) {
  ModelOptions options;
  options.kind = kind;
  options.vocab_size = 7;
  options.embedding_size = 3;
  options.hidden_size = 5;
  options.num_layers = 2;
  return options;
}

// Two query heads of 4 values over one key/value head; a block: q 6x8, k and v 6x4, o 8x6,
// gate and up 6x10, down 10x6.
ModelOptions llama() {
  ModelOptions options;
  options.kind = "llama";
  options.vocab_size = 11;
  options.hidden_size = 6;
  options.num_layers = 2;
  options.num_heads = 2;
  options.num_kv_heads = 1;
  options.head_dim = 4;
  options.intermediate_size = 10;
  return options;
}

constexpr double kLlamaKeys = 2 * 6 * (8 + 4 + 4);                // qkv of one token: 192
constexpr double kLlamaRest = 2 * (8 * 6 + 6 * 10 * 2 + 10 * 6);  // o, gate, up, down: 456
constexpr double kLlamaPair = 4 * 2 * 4;                          // one query, one key: 32
constexpr double kLlamaHead = 2 * 6 * 11;                         // 132

}  // namespace

TEST_CASE("flops: recurrent networks, by hand", "[nn]") {
  // GRU: 2 * 3 * 5 * (3 + 5) = 240 and 2 * 3 * 5 * (5 + 5) = 300 a token; the head 2 * 5 * 7 = 70.
  const ModelOptions gru = recurrent("gru");
  CHECK(reading_flops(gru, 0, 1, 1).trained == 540);
  CHECK(reading_flops(gru, 4, 7, 1).trained == 3 * 540);
  CHECK(reading_flops(gru, 0, 0, 0).total() == 0);
  // 4 + 3 tokens: 6 are read, 3 predicted.
  const ForwardFlops sequence = sequence_flops(gru, 4, 3);
  CHECK(sequence.trained == 6 * 540 + 3 * 70);
  CHECK(sequence.frozen == 0);
  CHECK(sequence.attention == 0);
  CHECK(sequence.with_backward() == 3 * (6 * 540 + 3 * 70));
  CHECK(sequence_flops(gru, 4, 0).total() == 0);
  // The prompt once; of completions with 3 and 1 tokens 2 and 0 are read, 3 and 1 predicted.
  CHECK(generation_flops(gru, 4, {3, 1}) == 4 * 540 + 2 * 540 + 4 * 70);
  // LSTM: 2 * 4 * 5 * (8 + 10).
  CHECK(reading_flops(recurrent("lstm"), 0, 1, 1).trained == 720);
}

TEST_CASE("flops: llama, by hand", "[nn]") {
  const ModelOptions model = llama();
  // One token that sees itself alone, two blocks.
  const ForwardFlops one = reading_flops(model, 0, 1, 1);
  CHECK(one.trained == 2 * (kLlamaKeys + kLlamaRest));
  CHECK(one.attention == 2 * kLlamaPair);
  // Positions 3 and 4 see 4 and 5 tokens.
  const ForwardFlops two = reading_flops(model, 3, 5, 2);
  CHECK(two.trained == 2 * 2 * (kLlamaKeys + kLlamaRest));
  CHECK(two.attention == 2 * 9 * kLlamaPair);
  // Five tokens, the state of the last one: the last block needs the keys of all, the rest of one.
  const ForwardFlops prompt = reading_flops(model, 0, 5, 1);
  CHECK(prompt.trained == 2 * 5 * kLlamaKeys + (5 + 1) * kLlamaRest);
  CHECK(prompt.attention == (15 + 5) * kLlamaPair);
  // Nobody asks for a state: keys and values alone in the last block.
  CHECK(reading_flops(model, 0, 5, 0).attention == 15 * kLlamaPair);

  // 5 + 3 tokens: 7 are read, of which the last 3 are wanted (they see 5, 6 and 7).
  const ForwardFlops sequence = sequence_flops(model, 5, 3);
  CHECK(sequence.trained == 2 * 7 * kLlamaKeys + (7 + 3) * kLlamaRest + 3 * kLlamaHead);
  CHECK(sequence.attention == (28 + 18) * kLlamaPair);
  CHECK(sequence.with_backward() == 3 * sequence.total());

  // The prompt once, then two completions of 3 tokens: positions 5 and 6 see 6 and 7 tokens.
  CHECK(generation_flops(model, 5, {3, 3}) ==
        prompt.total() +
            2 * (2 * 2 * (kLlamaKeys + kLlamaRest) + 2 * 13 * kLlamaPair + 3 * kLlamaHead));
}

TEST_CASE(
    "flops: the head costs the same tied or apart, and drawing one sample costs as reading it",
    "[nn]") {
  for (const char* kind : {"llama", "gpt2"}) {
    ModelOptions model = llama();
    model.kind = kind;
    ModelOptions apart = model;
    apart.tie_embeddings = !model.tie_embeddings;
    CHECK(sequence_flops(model, 5, 3).total() == sequence_flops(apart, 5, 3).total());
    // Both read 7 tokens and predict 3; in the last block drawing needs the states of positions 4
    // to 6, as reading does.
    CHECK(generation_flops(model, 5, {3}) == sequence_flops(model, 5, 3).total());
  }
}

TEST_CASE("flops: a sliding window bounds what attention sees", "[nn]") {
  ModelOptions model = llama();
  model.sliding_window = 3;
  // 1 + 2 + 3 + 3 + 3
  CHECK(reading_flops(model, 0, 5, 5).attention == 2 * 12 * kLlamaPair);
  CHECK(reading_flops(model, 3, 5, 2).attention == 2 * 6 * kLlamaPair);
  CHECK(reading_flops(model, 0, 2, 2).attention == 2 * 3 * kLlamaPair);
  CHECK(reading_flops(model, 0, 5, 5).trained == reading_flops(llama(), 0, 5, 5).trained);
}

TEST_CASE("flops: gpt2, by hand", "[nn]") {
  ModelOptions model;
  model.kind = "gpt2";
  model.vocab_size = 11;
  model.hidden_size = 6;
  model.num_layers = 1;
  model.num_heads = 2;  // of 3 values
  // qkv 6x18, output 6x6, up 6x24, down 24x6 a token.
  constexpr double kKeys = 2 * 6 * 18;
  constexpr double kRest = 2 * (36 + 144 + 144);
  const ForwardFlops flops = sequence_flops(model, 2, 2);
  CHECK(flops.trained == 3 * kKeys + 2 * kRest + 2 * 2 * 6 * 11);
  CHECK(flops.attention == (2 + 3) * 4 * 6);
}

TEST_CASE("flops: below adapters the base costs two passes, not three", "[nn]") {
  ModelOptions model = llama();
  model.lora.rank = 2;
  model.lora.target_modules = {"q_proj", "down_proj"};
  // q_proj 2 * 2 * (6 + 8) = 56 and down_proj 2 * 2 * (10 + 6) = 64 a token.
  const ForwardFlops sequence = sequence_flops(model, 5, 3);
  CHECK(sequence.trained == 2 * 7 * 56 + (7 + 3) * 64);
  CHECK(sequence.frozen == 2 * 7 * kLlamaKeys + (7 + 3) * kLlamaRest + 3 * kLlamaHead);
  CHECK(sequence.with_backward() ==
        3 * (sequence.trained + sequence.attention) + 2 * sequence.frozen);
  // Decoding reads weights to which the adapters were added.
  CHECK(generation_flops(model, 5, {3, 3}) == generation_flops(llama(), 5, {3, 3}));
  // All layers: the inputs and outputs of q, k, v, o, gate, up, down are 14+10+10+14+16+16+16 = 96.
  model.lora.target_modules = {};
  CHECK(reading_flops(model, 0, 1, 1).trained == 2 * 2 * 2 * 96);
}
