// Random texts and other helpers that the tests of several metrics share.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "text/characters.h"

namespace pgtrain::test {

inline std::u32string random_text(std::mt19937& random, size_t length, size_t letters, bool wide) {
  std::u32string text;
  for (size_t i = 0; i < length; ++i) {
    const auto letter = static_cast<char32_t>(random() % letters);
    text += wide ? U'\u4E00' + letter * 97 : U'a' + letter;
  }
  return text;
}

// A few random edits, so that the two texts are alike.
inline std::u32string edited(std::mt19937& random, std::u32string text) {
  for (size_t edits = random() % 6; edits > 0 && text.size() > 1; --edits) {
    const size_t i = random() % (text.size() - 1);
    switch (random() % 4) {
      case 0:
        text.erase(i, 1);
        break;
      case 1:
        text.insert(i, 1, text[random() % text.size()]);
        break;
      case 2:
        text[i] = text[random() % text.size()];
        break;
      default:
        std::swap(text[i], text[i + 1]);
        break;
    }
  }
  return text;
}

// Words of a small vocabulary with punctuation, digits, upper case and other scripts among them.
inline std::u32string random_sentence(std::mt19937& random, size_t words) {
  static const std::vector<std::u32string> kWords = {
      U"the",   U"The",    U"cat", U"cats",       U"running",      U"3.14",       U"1-2",  U"it's",
      U"(yes)", U"\"no\"", U"&",   U"na\u00EFve", U"\u4F60\u597D", U"\U0001F642", U"end.", U"a,b"};
  std::u32string text;
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) text += random() % 12 == 0 ? U'\n' : U' ';
    text += kWords[random() % kWords.size()];
  }
  return text;
}

inline std::vector<uint32_t> symbols(std::u32string_view text) {
  return {text.begin(), text.end()};
}

inline std::vector<std::u32string> words_of(std::u32string_view text) {
  const auto words = split_on_space(text);
  return {words.begin(), words.end()};
}

// compute(i) for i in [0, n) in four threads at once; whether each of them got what one alone gets.
template <class Compute>
bool same_in_threads(int n, Compute compute) {
  using Value = decltype(compute(0));
  std::vector<Value> expected;
  for (int i = 0; i < n; ++i) expected.push_back(compute(i));
  std::vector<std::vector<Value>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < n; ++i) result.push_back(compute(i));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results)
    if (result != expected) return false;
  return true;
}

}  // namespace pgtrain::test
