#include "rl/group_advantage.h"

#include <cmath>
#include <functional>
#include <map>

#include "core/error.h"
#include "rl/family.h"

using namespace pgtrain;
using test::close;
using test::tensor_of;

namespace {

at::Tensor row(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64);
}

using Advantage = std::function<at::Tensor(const at::Tensor& rewards, int64_t group_size)>;

at::Tensor lengths_of(const at::Tensor& rewards) {
  return (torch::arange(rewards.size(0), rewards.options()) + 2).remainder(5) + 1;
}

const std::map<std::string, Advantage> kAdvantages = {
    {"leave_one_out", leave_one_out_advantage},
    {"group_mean", group_mean_advantage},
    {"group_norm_group", [](const at::Tensor& r, int64_t n) { return group_norm_advantage(r, n); }},
    {"group_norm_batch", [](const at::Tensor& r,
                            int64_t n) { return group_norm_advantage(r, n, RewardScale::kBatch); }},
    {"optimal_length",
     [](const at::Tensor& r, int64_t n) { return optimal_length_advantage(r, lengths_of(r), n); }},
    {"pass_at_k", [](const at::Tensor& r, int64_t n) { return pass_at_k_advantage(r, n); }},
    {"pass_at_k_by_std",
     [](const at::Tensor& r, int64_t n) { return pass_at_k_advantage(r, n, true); }},
    {"gdpo", [](const at::Tensor& r, int64_t n) { return gdpo_advantage(r.unsqueeze(1), {1}, n); }},
};

}  // namespace

TEST_CASE("group advantages: by hand", "[rl]") {
  const auto rewards = row({1, 0, 0, 1, 2, 6});
  // groups of 3: (1,0,0): 1 - 0, 0 - 1/2, 0 - 1/2;   (1,2,6): 1 - 4, 2 - 7/2, 6 - 3/2
  CHECK(close(leave_one_out_advantage(rewards, 3), row({1, -0.5, -0.5, -3, -1.5, 4.5})));
  // means 1/3 and 3
  const double third = 1.0 / 3;
  CHECK(close(group_mean_advantage(rewards, 3), row({2 * third, -third, -third, -2, -1, 3})));
  // squared distances of group 2: 4 + 1 + 9 = 14, over n - 1 = 2: 7
  const double std = std::sqrt(7.0);
  CHECK(close(group_norm_advantage(rewards, 3).narrow(0, 3, 3), row({-2, -1, 3}) / (std + 1e-4)));
  // all six: mean 10/6, squares sum 42: (42 - 100/6) / 5
  const double batch_std = std::sqrt((42 - 100.0 / 6) / 5);
  CHECK(close(group_norm_advantage(rewards, 3, RewardScale::kBatch).narrow(0, 3, 3),
              row({-2, -1, 3}) / (batch_std + 1e-4)));
  // lengths (1,1,2), (3,1,0): baselines 1/4 and (3 + 2) / 4
  CHECK(close(optimal_length_advantage(rewards, row({1, 1, 2, 3, 1, 0}), 3),
              row({0.75, -0.25, -0.25, -0.25, 0.75, 4.75})));
  CHECK(close(optimal_length_advantage(rewards, torch::zeros({6}), 3), rewards));
  CHECK(close(pass_at_k_advantage(rewards, 3), row({1, 0, 0, 0, 0, 4})));
  CHECK(close(pass_at_k_advantage(row({3, 5, 5, 1}), 4), row({0, 0, 0, 0})));
  CHECK(close(pass_at_k_advantage(rewards, 3, true, 0).narrow(0, 3, 3), row({0, 0, 4 / std})));
}

TEST_CASE("gdpo: by hand, each part counts by its weight and not by its spread", "[rl]") {
  // Both parts are (high, low) in group 0 and (low, high) in group 1 after normalisation +-1/sqrt
  // 2, whatever their size: scores 3/sqrt 2 (1, -1, -1, 1), std of these sqrt(4/3) times as large.
  const auto parts =
      torch::tensor({{1.0, 1000.0}, {0.0, 0.0}, {2.0, 3.0}, {3.0, 5.0}}, torch::kFloat64);
  const double scale = std::sqrt(3.0) / 2;
  CHECK(close(gdpo_advantage(parts, {1, 2}, 2, 0), scale * row({1, -1, -1, 1})));
  CHECK_THROWS_AS(gdpo_advantage(parts, {1}, 2), InternalError);
  CHECK_THROWS_AS(gdpo_advantage(parts, {1, 2}, 3), InternalError);
}

TEST_CASE("group advantages: golden", "[rl][parity]") {
  const test::Family family;
  const int64_t n = family.group_size();
  for (const auto& [name, advantage] : kAdvantages)
    test::check_parity(name, tensor_of(family["advantages"][name]),
                       [&, name = name, advantage = advantage](at::ScalarType type) {
                         if (name == "gdpo")
                           return gdpo_advantage(family.in("parts", type),
                                                 family["inputs"]["part_weights"], n);
                         if (name == "optimal_length")
                           return optimal_length_advantage(family.in("reward", type),
                                                           family.in("lengths", type), n);
                         return advantage(family.in("reward", type), n);
                       });
  const auto rl = test::golden("rl.json");
  const auto reward = tensor_of(rl["inputs"]["reward"]);
  const int64_t group = rl["inputs"]["group_size"];
  const auto& expected = rl["advantages"];
  CHECK(close(leave_one_out_advantage(reward, group), tensor_of(expected["rloo"])));
  CHECK(close(group_mean_advantage(reward, group), tensor_of(expected["group_mean"])));
  CHECK(close(group_norm_advantage(reward, group), tensor_of(expected["grpo"])));
  CHECK(close(group_norm_advantage(reward, group, RewardScale::kBatch),
              tensor_of(expected["grpo_batch_std"])));
  CHECK(close(optimal_length_advantage(reward, tensor_of(rl["inputs"]["lengths"]), group),
              tensor_of(expected["opo"])));
  CHECK(close(
      gdpo_advantage(tensor_of(rl["inputs"]["reward_parts"]), rl["inputs"]["part_weights"], group),
      tensor_of(expected["gdpo"])));
}

TEST_CASE("group advantages: laws of sums, shifts, order and constant rewards", "[rl]") {
  torch::manual_seed(4);
  for (int round = 0; round < 10; ++round) {
    const auto rewards = torch::randn({24}, torch::kFloat64);
    for (const int64_t n : {2, 3, 8}) {
      const auto groups = torch::zeros({24 / n}, torch::kFloat64);
      for (const auto& [name, advantage] : kAdvantages) {
        INFO(name << " in groups of " << n);
        const auto a = advantage(rewards, n);
        CHECK(close(advantage(rewards + 5, n), a, 1e-9));
        if (name == "optimal_length")
          CHECK(close((a * lengths_of(a)).view({-1, n}).sum(1), groups));
        else if (name.rfind("pass_at_k", 0) == std::string::npos)
          CHECK(close(a.view({-1, n}).sum(1), groups));
        // The last sample of each group first.
        const auto rolled = rewards.view({-1, n}).roll(1, 1).flatten();
        if (name != "optimal_length")
          CHECK(close(advantage(rolled, n), a.view({-1, n}).roll(1, 1).flatten()));
        CHECK(close(advantage(torch::full({24}, 0.7, torch::kFloat64), n),
                    torch::zeros({24}, torch::kFloat64)));
      }
      const auto mean = group_mean_advantage(rewards, n);
      const auto count = static_cast<double>(n);
      CHECK(close(leave_one_out_advantage(rewards, n), mean * (count / (count - 1))));
      CHECK(close(optimal_length_advantage(rewards, torch::full({24}, 7), n), mean));
      // The normalised ones do not depend on the rewards' scale, but for epsilon.
      CHECK(close(group_norm_advantage(rewards * 10, n, RewardScale::kGroup, 0),
                  group_norm_advantage(rewards, n, RewardScale::kGroup, 0)));
    }
  }
}

TEST_CASE("group advantages: equal rewards give exactly zero where a deviation divides", "[rl]") {
  // The mean of 0.1 in float32 is not 0.1; an error of 1e-8 over an epsilon of 1e-6 would be a
  // signal of 1%.
  const auto rewards = torch::full({21}, 0.1, torch::kFloat32);
  for (const char* name : {"group_mean", "group_norm_group", "group_norm_batch", "pass_at_k",
                           "pass_at_k_by_std", "gdpo"}) {
    INFO(name);
    CHECK(kAdvantages.at(name)(rewards, 7).abs().max().item<double>() == 0);
  }
}

TEST_CASE("pass at k: the advantage is max(all) - max(all but i)", "[rl]") {
  torch::manual_seed(14);
  const auto rewards = torch::randn({5}, torch::kFloat64);
  const auto a = pass_at_k_advantage(rewards, 5);
  for (int64_t i = 0; i < 5; ++i) {
    auto others = rewards.clone();
    others[i] = -std::numeric_limits<double>::infinity();
    CHECK(close(a[i].item<double>(), (rewards.max() - others.max()).item<double>()));
  }
}

TEST_CASE("group advantages: wrong group sizes", "[rl]") {
  for (const auto& [name, advantage] : kAdvantages) {
    INFO(name);
    CHECK_THROWS_AS(advantage(row({1, 2, 3, 4}), 1), InternalError);
    CHECK_THROWS_AS(advantage(row({1, 2, 3, 4}), 3), InternalError);
  }
}

TEST_CASE("groups without spread are counted and can be left out", "[rl]") {
  const auto rewards = row({1, 1, 0, 1, 2, 2, 3, 4});
  CHECK(close(zero_spread_fraction(rewards, 2), 0.5));
  CHECK(torch::equal(informative_groups(rewards, 2), torch::tensor({false, true, false, true})));
  CHECK(torch::equal(informative_groups(rewards, 4, 1), torch::tensor({false, true})));
  const test::Family family;
  const auto keep = informative_groups(family.in("reward"), family.group_size());
  for (int64_t g = 0; g < keep.size(0); ++g)
    CHECK(keep[g].item<bool>() == family["informative_groups"][static_cast<size_t>(g)].get<bool>());
}
