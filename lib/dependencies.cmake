# What the modules are linked with; for the build and for programs that use the installed library.
find_package(Threads REQUIRED)
find_package(Torch REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)

# Package names differ between distributions: normalised once, here. Imported targets, so that exported ones may name them.
add_library(pgtrain::yaml INTERFACE IMPORTED GLOBAL)
if(TARGET yaml-cpp::yaml-cpp)
  target_link_libraries(pgtrain::yaml INTERFACE yaml-cpp::yaml-cpp)
else()
  target_link_libraries(pgtrain::yaml INTERFACE yaml-cpp)
endif()

add_library(pgtrain::torch INTERFACE IMPORTED GLOBAL)
target_link_libraries(pgtrain::torch INTERFACE ${TORCH_LIBRARIES} ${CMAKE_DL_LIBS} Threads::Threads)
# Newer LibTorch packages bring headers of another fmt than the one that spdlog is linked with: the system's must come first.
find_path(PGTRAIN_FMT_INCLUDE fmt/core.h NO_CMAKE_PATH NO_PACKAGE_ROOT_PATH)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include_first)
file(CREATE_LINK ${PGTRAIN_FMT_INCLUDE}/fmt ${CMAKE_BINARY_DIR}/include_first/fmt SYMBOLIC)
target_include_directories(pgtrain::torch INTERFACE ${CMAKE_BINARY_DIR}/include_first ${TORCH_INCLUDE_DIRS})
