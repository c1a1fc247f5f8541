#include "similarity/porter_stemmer.h"

#include "support/support.h"
#include "text/unicode.h"

namespace pgtrain {
namespace {

std::string stem(const std::string& word) { return encode_utf8(porter_stem(decode_utf8(word))); }

TEST_CASE("porter stemmer: the examples of the paper, step by step", "[similarity]") {
  const std::pair<const char*, const char*> examples[] = {// 1a, 1b, 1c
                                                          {"caresses", "caress"},
                                                          {"ponies", "poni"},
                                                          {"caress", "caress"},
                                                          {"cats", "cat"},
                                                          {"feed", "feed"},
                                                          {"agreed", "agre"},
                                                          {"plastered", "plaster"},
                                                          {"bled", "bled"},
                                                          {"motoring", "motor"},
                                                          {"sing", "sing"},
                                                          {"conflated", "conflat"},
                                                          {"sized", "size"},
                                                          {"hopping", "hop"},
                                                          {"falling", "fall"},
                                                          {"hissing", "hiss"},
                                                          {"fizzed", "fizz"},
                                                          {"failing", "fail"},
                                                          {"filing", "file"},
                                                          {"happy", "happi"},
                                                          // 2
                                                          {"relational", "relat"},
                                                          {"conditional", "condit"},
                                                          {"rational", "ration"},
                                                          {"digitizer", "digit"},
                                                          {"radicalli", "radic"},
                                                          {"vileli", "vile"},
                                                          {"vietnamization", "vietnam"},
                                                          {"operator", "oper"},
                                                          {"feudalism", "feudal"},
                                                          {"decisiveness", "decis"},
                                                          {"formaliti", "formal"},
                                                          {"sensibiliti", "sensibl"},
                                                          // 3, 4
                                                          {"triplicate", "triplic"},
                                                          {"formative", "form"},
                                                          {"electrical", "electr"},
                                                          {"goodness", "good"},
                                                          {"revival", "reviv"},
                                                          {"allowance", "allow"},
                                                          {"airliner", "airlin"},
                                                          {"replacement", "replac"},
                                                          {"adjustment", "adjust"},
                                                          {"adoption", "adopt"},
                                                          {"homologou", "homolog"},
                                                          {"bowdlerize", "bowdler"},
                                                          // 5
                                                          {"probate", "probat"},
                                                          {"rate", "rate"},
                                                          {"cease", "ceas"},
                                                          {"controll", "control"},
                                                          {"roll", "roll"}};
  for (const auto& [word, expected] : examples) {
    INFO(word);
    CHECK(stem(word) == expected);
  }
}

TEST_CASE("porter stemmer: what NLTK adds to the paper", "[similarity]") {
  // Irregular words; "ies" and "ied" of four letters; y after a consonant unless it is the second
  // letter of all; "fulli", "logi"; two letters stay.
  const std::pair<const char*, const char*> examples[] = {
      {"skies", "sky"},       {"dying", "die"}, {"news", "news"}, {"innings", "inning"},
      {"proceed", "proceed"}, {"ties", "tie"},  {"died", "die"},  {"spied", "spi"},
      {"enjoy", "enjoy"},     {"fly", "fli"},   {"by", "by"},     {"theologi", "theolog"},
      {"geology", "geolog"},  {"as", "as"},     {"", ""},         {"s", "s"}};
  for (const auto& [word, expected] : examples) {
    INFO(word);
    CHECK(stem(word) == expected);
  }
}

TEST_CASE("porter stemmer: NLTK's stems of 3,000 words", "[similarity]") {
  std::ifstream file("tests/golden/porter_stems.tsv");
  std::string line;
  REQUIRE(std::getline(file, line));  // names the generator
  int words = 0;
  while (std::getline(file, line)) {
    const size_t tab = line.find('\t');
    ++words;
    if (stem(line.substr(0, tab)) != line.substr(tab + 1))
      FAIL_CHECK(line << ", not " << stem(line.substr(0, tab)));
  }
  CHECK(words == 3000);
}

}  // namespace
}  // namespace pgtrain
