#include "train/reference_model.h"

#include "core/error.h"
#include "support/models.h"
#include "support/tensors.h"

using namespace pgtrain;

namespace {

std::unique_ptr<Policy> make_policy(uint64_t seed = 1, const char* letters = "abcdef",
                                    ValueNetwork value = ValueNetwork::kNone) {
  auto tokenizer = build_tokenizer({"char", 0, ""}, {std::string_view(letters)});
  const auto options = test::tiny_options("gru", tokenizer->vocab_size());
  return std::make_unique<Policy>(std::move(tokenizer), options, value, seed);
}

KlOptions options_of(const std::string& reference) {
  KlOptions options;
  options.coef = 0.1;
  options.reference = reference;
  return options;
}

}  // namespace

TEST_CASE("policy copy: the same network without V, independent of the original", "[train]") {
  for (const auto value : {ValueNetwork::kNone, ValueNetwork::kShared, ValueNetwork::kSeparate}) {
    const auto policy = make_policy(1, "abcdef", value);
    const auto copy = policy->copy();
    CHECK(test::same_bits(copy->model().head_weight(), policy->model().head_weight()));
    CHECK(copy->value_head() == nullptr);
    policy->parameters().values().add_(1);
    CHECK(test::same_bits(copy->model().head_weight(), make_policy()->model().head_weight()));
  }
}

TEST_CASE("start policy: its file brings it back, another file is refused", "[train]") {
  const test::TempDir dir;
  const auto policy = make_policy();
  const StartPolicy start = StartPolicy::freeze(*policy, dir / "start.safetensors");
  policy->parameters().values().mul_(2);
  const StartPolicy opened = StartPolicy::open(*policy, dir / "start.safetensors", start.digest());
  CHECK(
      test::same_bits(opened.policy().parameters().values(), make_policy()->parameters().values()));
  make_policy(2)->write_parameters(dir / "start.safetensors");
  CHECK(test::contains(test::message_of<DataError>([&] {
                         StartPolicy::open(*policy, dir / "start.safetensors", start.digest());
                       }),
                       "start.safetensors: is not the file"));
  CHECK_THROWS_AS(StartPolicy::open(*policy, dir / "none", start.digest()), DataError);
}

TEST_CASE("reference: fixed, refreshed and moving average, by hand", "[train]") {
  const auto policy = make_policy();
  const at::Tensor before = policy->parameters().values().clone();
  ReferenceModel fixed(options_of("start"), policy->copy());
  auto refreshed_options = options_of("start");
  refreshed_options.refresh_every = 2;
  ReferenceModel refreshed(refreshed_options, policy->copy());
  auto ema_options = options_of("ema");
  ema_options.ema_decay = 0.75;
  ReferenceModel ema(ema_options, policy->copy());
  CHECK(!fixed.changes());
  CHECK(refreshed.changes());
  CHECK(ema.changes());
  const at::Tensor later = before + 4 * (before != 0);
  policy->parameters().values().copy_(later);
  for (auto* reference : {&fixed, &refreshed, &ema}) reference->follow(*policy, 1);
  CHECK(test::same_bits(fixed.policy().parameters().values(), before));
  CHECK(test::same_bits(refreshed.policy().parameters().values(), before));
  CHECK(test::close(ema.policy().parameters().values(), 0.75 * before + 0.25 * later,
                    test::kTolerance32));
  for (auto* reference : {&fixed, &refreshed, &ema}) reference->follow(*policy, 2);
  CHECK(test::same_bits(refreshed.policy().parameters().values(), later));
  CHECK(test::close(ema.policy().parameters().values(), 0.5625 * before + 0.4375 * later,
                    test::kTolerance32));

  const test::TempDir dir;
  ema.write(dir.path());
  ReferenceModel again(ema_options, policy->copy());
  again.read(dir.path());
  CHECK(test::same_bits(again.policy().parameters().values(), ema.policy().parameters().values()));
}

TEST_CASE("reference: a checkpoint folder, of the same tokenizer only", "[train]") {
  const test::TempDir dir;
  make_policy(7)->write(dir.path());
  const ReferenceModel reference(options_of(dir.path().string()), make_policy());
  CHECK(test::same_bits(reference.policy().parameters().values(),
                        make_policy(7)->parameters().values()));
  CHECK(reference.digest().size() == 64);
  CHECK(test::contains(test::message_of<DataError>([&] {
                         ReferenceModel(options_of(dir.path().string()), make_policy(1, "xyz"));
                       }),
                       "another tokenizer"));
  CHECK_THROWS_AS(ReferenceModel(options_of(dir / "none"), make_policy()), DataError);
}

TEST_CASE("reference: log-probabilities are the policy's own while it has not moved", "[train]") {
  const auto policy = make_policy();
  const auto sequences = test::random_sequences(17, 11, 3);
  SequenceBatch batch;
  batch.sequences = test::pointers(sequences);
  const at::Tensor mask = completion_mask(batch.sequences);
  const ReferenceModel reference(options_of("start"), policy->copy());
  std::vector<at::Tensor> results;
  for (const int threads : {1, 3}) {
    WorkerPool pool(threads);
    results.push_back(reference.log_probs(pool, batch, mask, 0.8, {Parallelism::kSequences, 4}));
  }
  CHECK(test::same_bits(results[0], results[1]));
  const auto packed =
      token_log_probs(policy->model(), policy->model().hidden(batch.sequences), batch, 0.8)
          .log_prob;
  CHECK(test::close(results[0], unpack(packed, mask), test::kTolerance32));
}
