#include "reward/command_protocol.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

using Json = nlohmann::json;

constexpr double kLargestReward = 1e6;

std::string ascii_json(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string json_text(std::string_view text) { return ascii_json(replace_invalid_utf8(text)); }

// The members of a request that come from the record.
std::string record_members(const Record& record) {
  PG_CHECK(!record.targets.empty(), "the record of line {} has no target", record.line);
  std::string targets;
  for (const std::string& target : record.targets)
    targets += (targets.empty() ? "" : ",") + json_text(target);
  return fmt::format(R"("prompt":{},"target":{},"targets":[{}],"fields":{})",
                     json_text(record.prompt), json_text(record.targets.front()), targets,
                     ascii_json(record.fields));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Json parse_object(std::string_view line) {
  if (line.empty()) throw DataError("wrote an empty line");
  Json answer;
  try {
    // nlohmann takes a zero byte for the end of the text.
    if (contains(line, std::string_view("\0", 1))) throw DataError("a zero byte");
    answer = Json::parse(line);
  } catch (const Json::out_of_range&) {
    throw DataError("wrote a number that is too large");
  } catch (const std::exception&) {
    if (contains(line, "NaN") || contains(line, "Infinity"))
      throw DataError(
          "wrote NaN or Infinity, which JSON does not have (Python's json.dumps writes them all "
          "the same); a reward must be a finite number");
    throw DataError("wrote a line that is not JSON (messages belong on stderr)");
  }
  if (!answer.is_object())
    throw DataError("wrote JSON that is not an object like {\"id\": 17, \"reward\": 0.5}");
  return answer;
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

double number(const Json& value, const std::string& name) {
  if (!value.is_number())
    throw DataError(fmt::format("gave a {} that is not a number but {}", name,
                                value.is_null() ? "null" : value.type_name()));
  return value.get<double>();
}

CommandAnswer read_answer(const Json& object) {
  CommandAnswer answer;
  const Json* reward = find(object, "reward");
  if (reward == nullptr) throw DataError("gave an answer without \"reward\"");
  if (reward->is_null())
    throw DataError("gave the reward null; every completion needs a number, for example 0");
  answer.reward = number(*reward, "reward");
  if (std::abs(answer.reward) > kLargestReward)
    throw DataError(fmt::format("gave the reward {:g}; at most {:g} in size is allowed",
                                answer.reward, kLargestReward));
  const Json* parts = find(object, "parts");
  if (parts == nullptr) return answer;
  if (!parts->is_object()) throw DataError("gave \"parts\" that are not an object");
  for (const auto& [name, value] : parts->items())
    answer.parts[name] = number(value, fmt::format("part \"{}\"", escape_text(name)));
  return answer;
}

}  // namespace

std::string request_lines(const std::vector<RewardInput>& batch, int64_t first_id) {
  std::string lines;
  std::string members;
  const Record* record = nullptr;
  for (size_t i = 0; i < batch.size(); ++i) {
    PG_CHECK(batch[i].record != nullptr, "an input has no record");
    if (batch[i].record != record) {
      record = batch[i].record;
      members = record_members(*record);
    }
    lines += fmt::format(R"({{"id":{},"completion":{},{},"batch_end":{}}})",
                         first_id + static_cast<int64_t>(i), json_text(batch[i].completion),
                         members, i + 1 == batch.size());
    lines += '\n';
  }
  return lines;
}

AnswerSheet::AnswerSheet(int64_t first_id, size_t requests)
    : first_id_(first_id), answers_(requests), has_answer_(requests) {}

void AnswerSheet::add(std::string_view line) {
  const Json object = parse_object(line);
  const Json* id = find(object, "id");
  if (id == nullptr) throw DataError("gave an answer without \"id\"");
  if (!id->is_number_integer())
    throw DataError("gave an \"id\" that is not the integer of the request");
  // An id below first_id becomes a large position.
  const uint64_t position = id->get<uint64_t>() - static_cast<uint64_t>(first_id_);
  if (position >= answers_.size())
    throw DataError(fmt::format("answered id {}, which it was not asked (only {} to {})",
                                id->dump(), first_id_,
                                first_id_ + static_cast<int64_t>(answers_.size()) - 1));
  if (has_answer_[position]) throw DataError(fmt::format("answered id {} twice", id->dump()));
  answers_[position] = read_answer(object);
  has_answer_[position] = true;
  ++answered_;
}

}  // namespace pgtrain
