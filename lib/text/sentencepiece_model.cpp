#include "text/sentencepiece_model.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/protobuf_reader.h"
#include "text/base64.h"
#include "text/charsmap.h"
#include "text/unicode.h"
#include "text/utf8_cursor.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;
using Piece = SentencePieceModel::Piece;

constexpr size_t kMostPieceBytes = 512;  // bounds the search for merges
constexpr const char* kSpaceMark = "\xE2\x96\x81";

// Field numbers of sentencepiece_model.proto.
namespace model_field {
enum : uint64_t { kPieces = 1, kTrainer = 2, kNormalizer = 3 };
}
namespace piece_field {
enum : uint64_t { kText = 1, kScore = 2, kType = 3 };
}
namespace trainer_field {
enum : uint64_t {
  kModelType = 3,
  kWhitespaceAsSuffix = 24,
  kByteFallback = 35,
  kUnkId = 40,
  kBosId = 41,
  kEosId = 42,
  kPadId = 43
};
}
namespace normalizer_field {
enum : uint64_t {
  kCharsmap = 2,
  kAddDummyPrefix = 3,
  kRemoveExtraWhitespaces = 4,
  kEscapeWhitespaces = 5
};
}

Piece parse_piece(std::string_view message, const std::string& source) {
  Piece piece;
  ProtobufReader reader(message, source);
  while (reader.next()) {
    if (reader.number() == piece_field::kText) piece.text = std::string(reader.bytes());
    if (reader.number() == piece_field::kScore) piece.score = reader.float32();
    if (reader.number() == piece_field::kType) {
      const int64_t type = reader.int32();
      if (type < 1 || type > 6) reader.fail(fmt::format("has the unknown type {}", type));
      piece.type = static_cast<PieceType>(type);
    }
  }
  if (piece.text.empty() || piece.text.size() > kMostPieceBytes)
    reader.fail(fmt::format("must have from 1 to {} bytes", kMostPieceBytes));
  if (find_invalid_utf8(piece.text) != std::string::npos) reader.fail("is not valid UTF-8");
  if (!std::isfinite(piece.score)) reader.fail("has a score that is not finite");
  return piece;
}

void parse_trainer(std::string_view message, const std::string& source, SentencePieceModel& model) {
  namespace field = trainer_field;
  ProtobufReader reader(message, source + ": trainer_spec");
  while (reader.next()) {
    switch (reader.number()) {
      case field::kModelType:
        if (reader.int32() != 1 && reader.int32() != 2)
          reader.fail(
              fmt::format("model_type {} is not supported; supported are 1 (unigram) and 2 "
                          "(BPE)",
                          reader.int32()));
        model.kind = static_cast<SentencePieceModel::Kind>(reader.int32());
        break;
      case field::kWhitespaceAsSuffix:
        if (reader.boolean()) reader.fail("treat_whitespace_as_suffix is not supported");
        break;
      case field::kByteFallback:
        model.byte_fallback = reader.boolean();
        break;
      case field::kUnkId:
        model.unk_id = reader.int32();
        break;
      case field::kBosId:
        model.bos_id = reader.int32();
        break;
      case field::kEosId:
        model.eos_id = reader.int32();
        break;
      case field::kPadId:
        model.pad_id = reader.int32();
        break;
      default:
        break;
    }
  }
}

void parse_normalizer(std::string_view message, const std::string& source,
                      SentencePieceModel& model) {
  namespace field = normalizer_field;
  ProtobufReader reader(message, source + ": normalizer_spec");
  while (reader.next()) {
    if (reader.number() == field::kCharsmap) model.charsmap = std::string(reader.bytes());
    if (reader.number() == field::kAddDummyPrefix) model.add_dummy_prefix = reader.boolean();
    if (reader.number() == field::kRemoveExtraWhitespaces)
      model.remove_extra_whitespaces = reader.boolean();
    if (reader.number() == field::kEscapeWhitespaces && !reader.boolean())
      reader.fail("escape_whitespaces must not be false");
  }
  if (!model.charsmap.empty()) Charsmap(model.charsmap, source);  // checks it
}

void check_pieces(SentencePieceModel& model, const std::string& source) {
  std::unordered_map<std::string_view, size_t> ids;
  int64_t unk_id = -1;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const Piece& piece = model.pieces[i];
    const auto [first, is_new] = ids.emplace(piece.text, i);
    if (!is_new)
      throw DataError(fmt::format("{}: pieces {} and {} are both \"{}\"", source, first->second, i,
                                  escape_text(piece.text)));
    if (piece.type != PieceType::kUnknown) continue;
    if (unk_id >= 0) throw DataError(source + ": has two pieces of type unknown");
    unk_id = static_cast<int64_t>(i);
  }
  if (unk_id < 0) throw DataError(source + ": has no piece of type unknown");
  model.unk_id = unk_id;
  // The trainer's numbers of special pieces stay in the file also when it did not make these.
  const auto size = static_cast<int64_t>(model.pieces.size());
  for (int64_t* id : {&model.bos_id, &model.eos_id, &model.pad_id})
    if (*id < 0 || *id >= size ||
        model.pieces[static_cast<size_t>(*id)].type != PieceType::kControl)
      *id = -1;
}

// Characters of valid UTF-8.
size_t length(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

// A way to make a piece from two others.
struct Merge {
  float score;
  size_t left_length;
  size_t right_length;
  std::string_view left;
  std::string_view right;
};

using Ids = std::unordered_map<std::string_view, size_t>;

void add_merges_of(const Piece& piece, const Ids& ids, std::vector<Merge>& merges) {
  struct Candidate {
    size_t left_id;
    size_t right_id;
    Merge merge;
  };
  std::vector<Candidate> candidates;
  const std::string_view text = piece.text;
  const size_t total = length(text);
  size_t left_length = 1;
  for (size_t at = utf8_length(text[0]); at < text.size(); at += utf8_length(text[at])) {
    const auto left = ids.find(text.substr(0, at));
    const auto right = ids.find(text.substr(at));
    if (left != ids.end() && right != ids.end())
      candidates.push_back(
          {left->second,
           right->second,
           {piece.score, left_length, total - left_length, left->first, right->first}});
    ++left_length;
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::pair(a.left_id, a.right_id) < std::pair(b.left_id, b.right_id);
  });
  for (const Candidate& candidate : candidates) merges.push_back(candidate.merge);
}

// The best score first; of equal ones the longest left part, then the longest right part, then in
// the order of ids. Only normal pieces are made and merged, as SentencePiece does it.
Json merges_by_score(const SentencePieceModel& model) {
  Ids ids;
  for (size_t i = 0; i < model.pieces.size(); ++i)
    if (model.pieces[i].type == PieceType::kNormal) ids.emplace(model.pieces[i].text, i);
  std::vector<Merge> merges;
  for (const Piece& piece : model.pieces)
    if (piece.type == PieceType::kNormal) add_merges_of(piece, ids, merges);
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    if (a.score != b.score) return a.score > b.score;
    return std::pair(a.left_length, a.right_length) > std::pair(b.left_length, b.right_length);
  });
  Json list = Json::array();
  for (const Merge& merge : merges)
    list.push_back(Json::array({std::string(merge.left), std::string(merge.right)}));
  return list;
}

Json bpe_json(const SentencePieceModel& model) {
  Json vocab = Json::object();
  for (size_t i = 0; i < model.pieces.size(); ++i)
    if (model.pieces[i].type != PieceType::kUnused) vocab[model.pieces[i].text] = i;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", model.pieces[static_cast<size_t>(model.unk_id)].text},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", true},
          {"byte_fallback", model.byte_fallback},
          {"ignore_merges", false},
          {"vocab", vocab},
          {"merges", merges_by_score(model)}};
}

// With the scores as they are, as transformers has it; so a text that spells a byte piece, such as
// "<0x41>", finds it, which SentencePiece would not.
Json unigram_json(const SentencePieceModel& model) {
  Json vocab = Json::array();
  for (const Piece& piece : model.pieces)
    vocab.push_back(Json::array({piece.text, static_cast<double>(piece.score)}));
  return {{"type", "Unigram"},
          {"unk_id", model.unk_id},
          {"vocab", vocab},
          {"byte_fallback", model.byte_fallback}};
}

Json added_tokens_json(const SentencePieceModel& model) {
  Json list = Json::array();
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const PieceType type = model.pieces[i].type;
    if (type != PieceType::kUnknown && type != PieceType::kControl &&
        type != PieceType::kUserDefined)
      continue;
    list.push_back({{"id", i},
                    {"content", model.pieces[i].text},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", type != PieceType::kUserDefined}});
  }
  return list;
}

Json replace_json(const char* kind, const char* pattern, const char* content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

// Where spaces are kept as they are, the dummy prefix also stands before a space: Metaspace cannot
// say that, but it can say "only at the beginning of the text".
bool prefix_is_normalization(const SentencePieceModel& model) {
  return model.add_dummy_prefix && !model.remove_extra_whitespaces;
}

Json normalizer_json(const SentencePieceModel& model) {
  Json parts = Json::array();
  if (!model.charsmap.empty())
    parts.push_back(
        {{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(model.charsmap)}});
  if (model.remove_extra_whitespaces) {
    parts.push_back(replace_json("Regex", " +\\z", ""));
    parts.push_back(replace_json("Regex", " {2,}", kSpaceMark));
  }
  if (prefix_is_normalization(model)) {
    parts.push_back({{"type", "Prepend"}, {"prepend", kSpaceMark}});
    parts.push_back(replace_json("String", " ", kSpaceMark));
  }
  if (parts.empty()) return nullptr;
  return {{"type", "Sequence"}, {"normalizers", parts}};
}

// Whether no piece has a space but at its beginning, so that words can be segmented one by one.
bool words_are_separate(const SentencePieceModel& model) {
  if (model.kind == SentencePieceModel::Kind::kBpe) return false;
  return std::all_of(model.pieces.begin(), model.pieces.end(), [](const Piece& piece) {
    return piece.type != PieceType::kNormal || piece.text.find(kSpaceMark, 1) == std::string::npos;
  });
}

Json pre_tokenizer_json(const SentencePieceModel& model) {
  if (prefix_is_normalization(model)) return nullptr;
  return {{"type", "Metaspace"},
          {"replacement", kSpaceMark},
          {"prepend_scheme", model.add_dummy_prefix ? "first" : "never"},
          {"split", words_are_separate(model)}};
}

Json decoder_json(const SentencePieceModel& model) {
  Json parts = Json::array();
  parts.push_back(replace_json("String", kSpaceMark, " "));
  if (model.byte_fallback) parts.push_back({{"type", "ByteFallback"}});
  parts.push_back({{"type", "Fuse"}});
  if (model.add_dummy_prefix)
    parts.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"type", "Sequence"}, {"decoders", parts}};
}

}  // namespace

SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& source) {
  SentencePieceModel model;
  model.bos_id = 1;  // defaults of the message
  model.eos_id = 2;
  ProtobufReader reader(bytes, source);
  while (reader.next()) {
    if (reader.number() == model_field::kPieces) {
      if (model.pieces.size() > static_cast<size_t>(kMostTokenId))
        reader.fail("has too many pieces");
      model.pieces.push_back(
          parse_piece(reader.bytes(), fmt::format("{}: piece {}", source, model.pieces.size())));
    }
    if (reader.number() == model_field::kTrainer) parse_trainer(reader.bytes(), source, model);
    if (reader.number() == model_field::kNormalizer)
      parse_normalizer(reader.bytes(), source, model);
  }
  check_pieces(model, source);
  return model;
}

Json tokenizer_json(const SentencePieceModel& model) {
  const bool is_bpe = model.kind == SentencePieceModel::Kind::kBpe;
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens_json(model)},
          {"normalizer", normalizer_json(model)},
          {"pre_tokenizer", pre_tokenizer_json(model)},
          {"post_processor", nullptr},
          {"decoder", decoder_json(model)},
          {"model", is_bpe ? bpe_json(model) : unigram_json(model)}};
}

Json tokenizer_json_from_sentencepiece(std::string_view model_bytes, const std::string& source) {
  return tokenizer_json(parse_sentencepiece(model_bytes, source));
}

HfTokenizerSettings sentencepiece_settings(const SentencePieceModel& model) {
  const auto text = [&](int64_t id) {
    return id < 0 ? std::string() : model.pieces[static_cast<size_t>(id)].text;
  };
  HfTokenizerSettings settings;
  settings.bos_token = text(model.bos_id);
  settings.eos_token = text(model.eos_id);
  settings.pad_token = text(model.pad_id);
  settings.unk_token = text(model.unk_id);
  return settings;
}

}  // namespace pgtrain
