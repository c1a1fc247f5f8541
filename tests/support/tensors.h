// Helpers for tests that use tensors: literals, goldens, comparison, central differences.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/support.h"

namespace pgtrain::test {

inline nlohmann::json golden(const std::string& name) {
  return nlohmann::json::parse(read_file("tests/golden/" + name));
}

// A [n] or [rows, columns] tensor of a JSON list, float64.
inline at::Tensor tensor_of(const nlohmann::json& json) {
  if (!json[0].is_array()) return torch::tensor(json.get<std::vector<double>>(), torch::kFloat64);
  std::vector<at::Tensor> rows;
  for (const auto& row : json)
    rows.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kFloat64));
  return torch::stack(rows);
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0;
  return (a.detach().to(torch::kFloat64) - b.detach().to(torch::kFloat64))
      .abs()
      .max()
      .item<double>();
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return torch::equal(a.detach(), b.detach());
}

inline bool close(const at::Tensor& actual, const at::Tensor& expected,
                  double tolerance = kTolerance64) {
  const double scale =
      expected.numel() == 0 ? 1 : std::max(1.0, expected.detach().abs().max().item<double>());
  return max_difference(actual, expected) <= tolerance * scale;
}

// The gradient of f at x by central differences; x is float64 and f reads it.
inline at::Tensor numeric_gradient(at::Tensor x, const std::function<double()>& f,
                                   double step = 1e-5) {
  at::NoGradGuard guard;
  at::Tensor gradient = torch::zeros_like(x);
  double* value = x.data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double before = value[i];
    value[i] = before + step;
    const double above = f();
    value[i] = before - step;
    const double below = f();
    value[i] = before;
    gradient.view(-1)[i] = (above - below) / (2 * step);
  }
  return gradient;
}

}  // namespace pgtrain::test
