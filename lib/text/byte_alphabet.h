// GPT-2's alphabet for bytes: visible Latin-1 characters stand for themselves, the 68 other bytes
// for U+0100 and the following, in order.
#pragma once

#include <string>
#include <string_view>

namespace pgtrain {

// The character of a byte, in UTF-8.
std::string_view byte_to_character(unsigned char byte);
void append_byte_characters(std::string& out, std::string_view bytes);
// The byte of a character, -1 when it is not in the alphabet.
int character_to_byte(char32_t c);
// Appends the bytes that the characters of a token stand for; false, and nothing appended, when one
// is not in the alphabet.
bool append_character_bytes(std::string& out, std::string_view token);

}  // namespace pgtrain
