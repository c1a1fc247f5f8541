#include "text/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "text/gpt2_split.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using nlohmann::json;
using Id = uint32_t;

constexpr std::array<const char*, 5> kSpecial = {"<pad>", "<bos>", "<eos>", "<sep>", "<unk>"};

// Bytes that GPT-2 writes as the character of the same number.
bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// GPT-2's character for each byte: itself, or the next free one from U+0100 on.
std::array<char32_t, 256> byte_characters() {
  std::array<char32_t, 256> characters{};
  char32_t free = 256;
  for (int byte = 0; byte < 256; ++byte)
    characters[static_cast<size_t>(byte)] =
        stands_for_itself(byte) ? static_cast<char32_t>(byte) : free++;
  return characters;
}

// Two neighbouring tokens; the order of pairs is that of (first, second).
using Pair = uint64_t;
Pair make_pair_of(Id first, Id second) { return (Pair{first} << 32) | second; }
Id first_of(Pair pair) { return static_cast<Id>(pair >> 32); }
Id second_of(Pair pair) { return static_cast<Id>(pair); }

struct Word {
  std::vector<Id> tokens;
  int64_t count = 0;
};

struct Change {
  Pair pair;
  int by;
};

// Puts `merged` in place of first, second from left to right; `changes` gets what the neighbours
// lose and win. Overlaps count as in the crate: in "aaa" the second pair (a, a) is lost as a
// neighbour.
void merge_in(std::vector<Id>& tokens, Pair pair, Id merged, std::vector<Change>& changes) {
  const Id first = first_of(pair);
  const Id second = second_of(pair);
  size_t written = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != first || i + 1 >= tokens.size() || tokens[i + 1] != second) {
      tokens[written++] = tokens[i];
      continue;
    }
    if (written > 0) {
      changes.push_back({make_pair_of(tokens[written - 1], first), -1});
      changes.push_back({make_pair_of(tokens[written - 1], merged), 1});
    }
    if (i + 2 < tokens.size()) {
      changes.push_back({make_pair_of(second, tokens[i + 2]), -1});
      changes.push_back({make_pair_of(merged, tokens[i + 2]), 1});
    }
    tokens[written++] = merged;
    ++i;
  }
  tokens.resize(written);
}

// A pair with the words that it came up in together; the count may have become stale since.
struct Candidate {
  int64_t count;
  Pair pair;
  std::vector<uint32_t> words;

  bool operator<(const Candidate& other) const {  // the heap gives the largest first
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Trainer {
 public:
  Trainer() {
    for (const char* token : kSpecial) add_token(token);
    for (const bool itself : {true, false})
      for (int byte = 0; byte < 256; ++byte)
        if (stands_for_itself(byte) == itself)
          byte_ids_[static_cast<size_t>(byte)] = add_token(std::string(1, static_cast<char>(byte)));
  }

  void count_words(const std::vector<std::string_view>& texts) {
    std::unordered_map<std::string_view, size_t> places;
    for (const std::string_view text : texts)
      gpt2_split(text, [&](std::string_view piece) {
        const auto [place, is_new] = places.emplace(piece, words_.size());
        if (is_new) words_.push_back({tokens_of(piece), 0});
        ++words_[place->second].count;
      });
    PG_CHECK(words_.size() < UINT32_MAX, "{} different words", words_.size());
  }

  void learn(size_t vocab_size) {
    count_pairs();
    while (tokens_.size() < vocab_size && !heap_.empty()) {
      Candidate top = take();
      const int64_t count = counts_[top.pair];
      if (top.count != count) {
        top.count = count;
        if (count > 0) push(std::move(top));
        continue;
      }
      merge(top);
    }
  }

  json to_json() const;

 private:
  Id add_token(const std::string& bytes) {
    const auto [place, is_new] = ids_.emplace(bytes, static_cast<Id>(tokens_.size()));
    if (is_new) tokens_.push_back(bytes);
    return place->second;
  }

  std::vector<Id> tokens_of(std::string_view piece) const {
    std::vector<Id> ids;
    ids.reserve(piece.size());
    for (const char byte : piece) ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
    return ids;
  }

  using Places = std::unordered_map<Pair, std::vector<uint32_t>>;

  // Words come in rising order, so that a repetition is at the end.
  static void note(Places& places, Pair pair, uint32_t word) {
    std::vector<uint32_t>& list = places[pair];
    if (list.empty() || list.back() != word) list.push_back(word);
  }

  void enqueue(Places& places) {
    for (auto& [pair, words] : places)
      if (counts_[pair] > 0) push({counts_[pair], pair, std::move(words)});
  }

  void count_pairs() {
    Places places;
    for (size_t w = 0; w < words_.size(); ++w)
      for (size_t i = 0; i + 1 < words_[w].tokens.size(); ++i) {
        const Pair pair = make_pair_of(words_[w].tokens[i], words_[w].tokens[i + 1]);
        counts_[pair] += words_[w].count;
        note(places, pair, static_cast<uint32_t>(w));
      }
    enqueue(places);
  }

  void push(Candidate candidate) {
    heap_.push_back(std::move(candidate));
    std::push_heap(heap_.begin(), heap_.end());
  }
  Candidate take() {
    std::pop_heap(heap_.begin(), heap_.end());
    Candidate top = std::move(heap_.back());
    heap_.pop_back();
    return top;
  }

  // Different merges can make the same token; it keeps its id.
  void merge(const Candidate& top) {
    const Id merged = add_token(tokens_[first_of(top.pair)] + tokens_[second_of(top.pair)]);
    merges_.push_back(top.pair);
    Places places;
    std::vector<Change> changes;
    for (const uint32_t w : top.words) {
      changes.clear();
      merge_in(words_[w].tokens, top.pair, merged, changes);
      for (const Change& change : changes) {
        counts_[change.pair] += change.by * words_[w].count;
        if (change.by > 0) note(places, change.pair, w);
      }
    }
    enqueue(places);
  }

  std::vector<std::string> tokens_;  // bytes; the id is the place
  std::unordered_map<std::string, Id> ids_;
  std::array<Id, 256> byte_ids_{};
  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t> counts_;
  std::vector<Candidate> heap_;
  std::vector<Pair> merges_;
};

std::string written(std::string_view bytes) {
  static const std::array<char32_t, 256> characters = byte_characters();
  std::string text;
  for (const char byte : bytes) append_utf8(text, characters[static_cast<unsigned char>(byte)]);
  return text;
}

json byte_level(bool add_prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", true}};
}

// A pair merged twice has the rank of the last time, as in the crate's table.
std::vector<Pair> last_of_each(const std::vector<Pair>& merges) {
  std::unordered_set<Pair> seen;
  std::vector<Pair> kept;
  for (auto pair = merges.rbegin(); pair != merges.rend(); ++pair)
    if (seen.insert(*pair).second) kept.push_back(*pair);
  std::reverse(kept.begin(), kept.end());
  return kept;
}

json Trainer::to_json() const {
  json added = json::array();
  json vocabulary = json::object();
  for (size_t id = 0; id < tokens_.size(); ++id) {
    const bool is_special = id < kSpecial.size();
    vocabulary[is_special ? tokens_[id] : written(tokens_[id])] = id;
    if (is_special)
      added.push_back({{"id", id},
                       {"content", tokens_[id]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
  }
  json merges = json::array();
  for (const Pair pair : last_of_each(merges_))
    merges.push_back({written(tokens_[first_of(pair)]), written(tokens_[second_of(pair)])});
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(false)},
          {"post_processor", nullptr},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocabulary)},
            {"merges", std::move(merges)}}}};
}

}  // namespace

json train_byte_level_bpe(const std::vector<std::string_view>& texts, int64_t vocab_size) {
  if (vocab_size < kMinBpeVocabulary || vocab_size > INT32_MAX)
    throw ConfigError(fmt::format("a byte-level BPE vocabulary of {} tokens; allowed: {} to {}",
                                  vocab_size, kMinBpeVocabulary, INT32_MAX));
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t invalid = find_invalid_utf8(texts[i]);
    if (invalid != std::string_view::npos)
      throw DataError(fmt::format("text {}: invalid UTF-8 at byte {}", i + 1, invalid));
  }
  Trainer trainer;
  trainer.count_words(texts);
  trainer.learn(static_cast<size_t>(vocab_size));
  return trainer.to_json();
}

}  // namespace pgtrain
