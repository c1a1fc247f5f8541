// The version of pgtrain; CMakeLists.txt reads it from here.
#pragma once

namespace pgtrain {

constexpr const char* kVersion = "0.1.0";

}  // namespace pgtrain
