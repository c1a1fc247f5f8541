// Byte-pair encoding (Sennrich et al. 2016): a piece begins as its characters; of the adjacent
// pairs that have a rule, the one of lowest rank, the leftmost of these, is merged until none is
// left.
#include <cstdint>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "text/subword_model.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

struct Merge {
  uint32_t rank;
  int64_t merged;  // id
};

uint64_t pair_key(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

struct PairHash {
  size_t operator()(uint64_t key) const {  // multiplicative: ids alone would all share buckets
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key ^ (key >> 32));
  }
};

using Merges = std::unordered_map<uint64_t, Merge, PairHash>;

struct BpeOptions {
  std::string continuing_prefix;
  std::string word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};

// A symbol of the piece under construction, linked to its neighbours (-1: none).
struct Symbol {
  int64_t id;
  int32_t previous;
  int32_t next;
  bool is_merged = false;  // into the one before it
};

// A merge that was possible when it was queued.
struct Candidate {
  uint32_t rank;
  int32_t position;
  int64_t merged;
};

struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }
};

class MergeRun {
 public:
  MergeRun(const Merges& merges, const std::vector<int64_t>& ids) : merges_(merges) {
    const auto count = static_cast<int32_t>(ids.size());
    symbols_.reserve(ids.size());
    for (int32_t i = 0; i < count; ++i)
      symbols_.push_back({ids[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
    std::vector<Candidate> candidates;
    for (int32_t i = 0; i + 1 < count; ++i)
      if (const Merge* merge = find(i)) candidates.push_back({merge->rank, i, merge->merged});
    queue_ = Queue(Later{}, std::move(candidates));
  }

  void run() {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      Symbol& left = at(best.position);
      if (left.is_merged || left.next < 0) continue;
      const Merge* merge = find(best.position);
      if (merge == nullptr || merge->merged != best.merged) continue;  // outdated
      Symbol& right = at(left.next);
      left.id = best.merged;
      left.next = right.next;
      right.is_merged = true;
      if (left.next >= 0) at(left.next).previous = best.position;
      if (left.previous >= 0) enqueue(left.previous);
      enqueue(best.position);
    }
  }

  void append_ids(std::vector<int64_t>& ids) const {
    for (const Symbol& symbol : symbols_)
      if (!symbol.is_merged) ids.push_back(symbol.id);
  }

 private:
  using Queue = std::priority_queue<Candidate, std::vector<Candidate>, Later>;

  Symbol& at(int32_t position) { return symbols_[static_cast<size_t>(position)]; }

  // The rule for the symbol and the next one; nullptr when there is none.
  const Merge* find(int32_t position) {
    const Symbol& left = at(position);
    if (left.next < 0) return nullptr;
    const auto found = merges_.find(pair_key(left.id, at(left.next).id));
    return found == merges_.end() ? nullptr : &found->second;
  }

  void enqueue(int32_t position) {
    if (const Merge* merge = find(position)) queue_.push({merge->rank, position, merge->merged});
  }

  const Merges& merges_;
  std::vector<Symbol> symbols_;
  Queue queue_;
};

class BpeModel final : public SubwordModel {
 public:
  BpeModel(TokenVocabulary vocabulary, Merges merges, BpeOptions options, int64_t unk_id)
      : vocabulary_(std::move(vocabulary)),
        merges_(std::move(merges)),
        options_(std::move(options)),
        unk_id_(unk_id) {}

  const TokenVocabulary& vocabulary() const override { return vocabulary_; }
  int64_t unk_id() const override { return unk_id_; }

  void exclude(const std::vector<int64_t>& ids) override {
    excluded_.insert(ids.begin(), ids.end());
    for (auto merge = merges_.begin(); merge != merges_.end();)
      merge = excluded_.count(merge->second.merged) != 0 ? merges_.erase(merge) : std::next(merge);
  }

  void append_ids(std::string_view piece, std::vector<int64_t>& ids) const override {
    if (options_.ignore_merges) {
      const int64_t whole = find(piece);
      if (whole >= 0) return ids.push_back(whole);
    }
    const std::vector<int64_t> characters = characters_of(piece);
    if (characters.size() < 2) {
      ids.insert(ids.end(), characters.begin(), characters.end());
      return;
    }
    MergeRun merging(merges_, characters);
    merging.run();
    merging.append_ids(ids);
  }

 private:
  int64_t find(std::string_view token) const {
    const int64_t id = vocabulary_.find(token);
    return id >= 0 && excluded_.count(id) != 0 ? -1 : id;
  }

  // A character that the vocabulary lacks becomes its bytes or unk_id; without these it is dropped,
  // as the tokenizers library does.
  std::vector<int64_t> characters_of(std::string_view piece) const {
    std::vector<int64_t> ids;
    ids.reserve(piece.size());
    bool unk_pending = false;
    const auto flush_unk = [&] {
      if (unk_pending) ids.push_back(unk_id_);
      unk_pending = false;
    };
    const bool is_plain = options_.continuing_prefix.empty() && options_.word_suffix.empty();
    std::string affixed;
    for (size_t at = 0; at < piece.size();) {
      std::string_view character = piece.substr(at, utf8_length(piece[at]));
      const size_t end = at + character.size();
      if (!is_plain) {
        affixed = at > 0 ? options_.continuing_prefix : "";
        affixed += character;
        if (end == piece.size()) affixed += options_.word_suffix;
        character = affixed;
      }
      at = end;
      const int64_t id = find(character);
      if (id >= 0) {
        flush_unk();
        ids.push_back(id);
      } else if (!options_.byte_fallback || !append_byte_tokens(vocabulary_, character, ids)) {
        if (!options_.fuse_unk) flush_unk();
        unk_pending = unk_id_ >= 0;
      }
    }
    flush_unk();
    return ids;
  }

  TokenVocabulary vocabulary_;
  Merges merges_;
  BpeOptions options_;
  int64_t unk_id_;
  std::unordered_set<int64_t> excluded_;
};

// "left right" or ["left", "right"].
std::pair<std::string_view, std::string_view> read_pair(const JsonView& list, size_t index) {
  const nlohmann::json& value = list.value()[index];
  if (value.is_string()) {
    const std::string_view text = value.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos)
      return {text.substr(0, space), text.substr(space + 1)};
  } else if (value.is_array() && value.size() == 2 && value[0].is_string() &&
             value[1].is_string()) {
    return {value[0].get_ref<const std::string&>(), value[1].get_ref<const std::string&>()};
  }
  list.at(index).fail("must be \"left right\" or [\"left\", \"right\"]");
}

Merges read_merges(const JsonView& list, const TokenVocabulary& vocabulary, size_t prefix_size) {
  Merges merges;
  merges.reserve(list.size());
  const auto id_of = [&](std::string_view token, size_t index) {
    const int64_t id = vocabulary.find(token);
    if (id < 0)
      list.at(index).fail(fmt::format("\"{}\" is not in the vocabulary", escape_text(token)));
    return id;
  };
  size_t first = 0;  // a file made from merges.txt may begin with its comment
  if (list.size() > 0 && list.at(0).is_string() && list.at(0).string().rfind("#version", 0) == 0)
    first = 1;
  for (size_t i = first; i < list.size(); ++i) {
    const auto [left, right] = read_pair(list, i);
    const int64_t left_id = id_of(left, i);
    const int64_t right_id = id_of(right, i);
    if (right.size() < prefix_size) list.at(i).fail("the right part lacks the subword prefix");
    const std::string merged = std::string(left) + std::string(right.substr(prefix_size));
    merges[pair_key(left_id, right_id)] = {static_cast<uint32_t>(i), id_of(merged, i)};
  }
  return merges;
}

}  // namespace

std::unique_ptr<SubwordModel> read_bpe_model(const JsonView& json) {
  if (const auto dropout = json.find("dropout"))
    if (dropout->number() != 0)
      dropout->fail("must be null or 0: one text would have several encodings");
  TokenVocabulary vocabulary = read_vocabulary(json.at("vocab"));
  BpeOptions options;
  options.continuing_prefix = json.string_or("continuing_subword_prefix", "");
  options.word_suffix = json.string_or("end_of_word_suffix", "");
  options.fuse_unk = json.boolean_or("fuse_unk", false);
  options.byte_fallback = json.boolean_or("byte_fallback", false);
  options.ignore_merges = json.boolean_or("ignore_merges", false);
  const std::string unk_token = json.string_or("unk_token", "");
  const int64_t unk_id = unk_token.empty() ? -1 : vocabulary.find(unk_token);
  if (!unk_token.empty() && unk_id < 0) json.at("unk_token").fail("is not in the vocabulary");
  Merges merges = read_merges(json.at("merges"), vocabulary, options.continuing_prefix.size());
  return std::make_unique<BpeModel>(std::move(vocabulary), std::move(merges), std::move(options),
                                    unk_id);
}

}  // namespace pgtrain
