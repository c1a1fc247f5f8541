// tests/golden/rl_family.json, and comparison with it in float64 and float32. The two tolerances
// are those of support/support.h. `rl_test -s "[parity]"` prints every worst difference.
#pragma once

#include <iomanip>
#include <string>

#include "rl/loss.h"
#include "support/tensors.h"

namespace pgtrain::test {

class Family {
 public:
  Family() : json_(golden("rl_family.json")) {}
  const nlohmann::json& operator[](const std::string& key) const { return json_[key]; }
  // An input in a precision.
  at::Tensor in(const std::string& key, at::ScalarType type = torch::kFloat64) const {
    return tensor_of(json_["inputs"][key]).to(type);
  }
  int64_t group_size() const { return json_["inputs"]["group_size"]; }
  // The advantage of the losses, on every token.
  at::Tensor row_advantage(at::ScalarType type) const {
    return tensor_of(json_["advantages"]["group_norm_group"])
        .to(type)
        .unsqueeze(1)
        .expand(in("mask").sizes())
        .contiguous();
  }

 private:
  nlohmann::json json_;
};

inline double relative_difference(const at::Tensor& actual, const at::Tensor& expected) {
  return max_difference(actual, expected) /
         std::max(1.0, expected.abs().max().template item<double>());
}

// f(type) computes in that precision.
template <class F>
void check_parity(const std::string& name, const at::Tensor& expected, const F& f) {
  const at::Tensor in_double = f(torch::kFloat64), in_float = f(torch::kFloat32);
  const double worst64 = relative_difference(in_double, expected);
  const double worst32 = relative_difference(in_float, expected);
  INFO(name << std::scientific << std::setprecision(1) << ": worst difference " << worst64
            << " in float64, " << worst32 << " in float32");
  CHECK(worst64 <= kTolerance64);
  CHECK(worst32 <= kTolerance32);
  CHECK(in_double.scalar_type() == torch::kFloat64);
  CHECK(in_float.scalar_type() == torch::kFloat32);
}

// Value and gradient against losses[name]; f(log_prob, type) is the scalar loss.
template <class F>
void check_loss_parity(const Family& family, const std::string& name, const F& f) {
  const auto& expected = family["losses"][name];
  check_parity(name + " value", torch::tensor(expected["loss"].get<double>(), torch::kFloat64),
               [&](at::ScalarType type) { return f(family.in("log_prob", type), type).detach(); });
  check_parity(name + " gradient", tensor_of(expected["grad"]), [&](at::ScalarType type) {
    auto log_prob = family.in("log_prob", type).requires_grad_(true);
    f(log_prob, type).backward();
    return log_prob.grad();
  });
}

// The aggregation that a golden's name ends with.
inline Aggregation aggregation_of(const std::string& name) {
  const std::string how = name.substr(name.find('/') + 1);
  if (how == "token_mean") return Aggregation::kTokenMean;
  if (how == "sequence_mean_token_mean") return Aggregation::kSequenceMeanTokenMean;
  if (how == "sequence_mean_token_sum") return Aggregation::kSequenceMeanTokenSum;
  return Aggregation::kFixedNormaliser;
}

// token_weights of the golden's mask and normaliser.
inline at::Tensor family_weights(const Family& family, const std::string& name,
                                 at::ScalarType type) {
  return token_weights(family.in("mask", type), aggregation_of(name),
                       family["inputs"]["normaliser"].get<double>());
}

}  // namespace pgtrain::test
