#include "text/post_processor.h"

#include <string>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

void append(std::vector<int64_t>& ids, const std::vector<int64_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

std::vector<int64_t> read_ids(const JsonView& json, int64_t vocab_size) {
  std::vector<int64_t> ids;
  for (size_t i = 0; i < json.size(); ++i) ids.push_back(json.at(i).integer(0, vocab_size - 1));
  return ids;
}

TextFrame read_template(const JsonView& json, int64_t vocab_size) {
  TextFrame frame;
  bool has_text = false;
  const JsonView pieces = json.at("single");
  for (size_t i = 0; i < pieces.size(); ++i) {
    const JsonView piece = pieces.at(i);
    if (piece.find("Sequence")) {
      if (has_text || piece.at("Sequence").at("id").string() != "A")
        piece.fail("the template of a single text must hold sequence A once");
      has_text = true;
    } else {
      const std::string& name = piece.at("SpecialToken").at("id").string();
      append(has_text ? frame.after : frame.before,
             read_ids(json.at("special_tokens").at(name).at("ids"), vocab_size));
    }
  }
  if (!has_text) pieces.fail("the template of a single text must hold sequence A once");
  return frame;
}

// Steps of a sequence wrap what the steps before them made.
TextFrame read_sequence(const JsonView& json, int64_t vocab_size) {
  TextFrame frame;
  const JsonView parts = json.at("processors");
  for (size_t i = 0; i < parts.size(); ++i) {
    TextFrame outer = read_post_processor(parts.at(i), vocab_size);
    append(outer.before, frame.before);
    append(frame.after, outer.after);
    frame.before = outer.before;
  }
  return frame;
}

// ["</s>", 2]
int64_t read_token_id(const JsonView& json, int64_t vocab_size) {
  if (json.size() != 2) json.fail("must be [token, id]");
  return json.at(1).integer(0, vocab_size - 1);
}

}  // namespace

TextFrame read_post_processor(const JsonView& json, int64_t vocab_size) {
  const std::string& type = json.at("type").string();
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") return read_template(json, vocab_size);
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return {{read_token_id(json.at("cls"), vocab_size)},
            {read_token_id(json.at("sep"), vocab_size)}};
  if (type == "Sequence") return read_sequence(json, vocab_size);
  json.at("type").fail(
      fmt::format("\"{}\" is not a post-processor that is known here", escape_text(type)));
}

}  // namespace pgtrain
