#include "report/student_t.h"

#include "support/support.h"

namespace pgtrain {
namespace {

struct Quantile {
  double probability;
  int64_t degrees;
  double value;
};

// scipy.stats.t.ppf(probability, degrees) of SciPy 1.17.1.
const Quantile kQuantiles[] = {
    {0.6, 1, 0.3249196962329063},     {0.6, 2, 0.2886751345948128},
    {0.6, 3, 0.2766706623326898},     {0.6, 4, 0.2707222947075976},
    {0.6, 5, 0.2671808657041451},     {0.6, 6, 0.2648345329335734},
    {0.6, 9, 0.260955336473911},      {0.6, 10, 0.2601848294920803},
    {0.6, 29, 0.255683634571256},     {0.6, 30, 0.2556053649519128},
    {0.6, 99, 0.2540290121518067},    {0.6, 100, 0.2540221824582277},
    {0.6, 1001, 0.2534144484834983},  {0.6, 99999, 0.2533477771639205},
    {0.975, 1, 12.70620473617469},    {0.975, 2, 4.302652729749462},
    {0.975, 3, 3.182446305283708},    {0.975, 4, 2.776445105197793},
    {0.975, 5, 2.570581835636315},    {0.975, 6, 2.446911851144979},
    {0.975, 9, 2.262157162798205},    {0.975, 10, 2.228138851986274},
    {0.975, 29, 2.045229642132703},   {0.975, 30, 2.042272456301238},
    {0.975, 99, 1.984216951586417},   {0.975, 100, 1.983971518523552},
    {0.975, 1001, 1.96233670528088},  {0.975, 99999, 1.959987707771844},
    {0.995, 1, 63.65674116287153},    {0.995, 2, 9.924843200918287},
    {0.995, 3, 5.840909309733355},    {0.995, 4, 4.604094871349992},
    {0.995, 5, 4.032142983555228},    {0.995, 6, 3.707428021324807},
    {0.995, 9, 3.249835541592126},    {0.995, 10, 3.16927267261695},
    {0.995, 29, 2.756385903670605},   {0.995, 30, 2.749995653567225},
    {0.995, 99, 2.626405457280827},   {0.995, 100, 2.625890521438017},
    {0.995, 1001, 2.580749768750525}, {0.995, 99999, 2.575878470400052},
};

TEST_CASE("student t: quantiles as SciPy gives them", "[report]") {
  for (const Quantile& expected : kQuantiles) {
    INFO(expected.probability << " " << expected.degrees);
    CHECK(test::close(student_t_quantile(expected.probability, expected.degrees), expected.value));
  }
}

TEST_CASE("student t: closed forms and limits", "[report]") {
  CHECK(student_t_quantile(0.5, 7) == 0);
  // One degree is Cauchy's distribution, two have p = 1/2 + t / (2 sqrt(2 + t^2)).
  CHECK(test::close(student_t_quantile(0.75, 1), 1));
  CHECK(test::close(student_t_quantile(0.9, 2), 0.8 * std::sqrt(2 / (1 - 0.8 * 0.8))));
  // The normal distribution's 0.975 quantile is 1.959963984540054.
  CHECK(std::abs(student_t_quantile(0.975, 10000000) - 1.959963984540054) < 1e-6);
}

}  // namespace
}  // namespace pgtrain
