# What `cmake --install` copies, and the packages that CPack makes of it: the program, and the library with its headers.
# For find_package(pgtrain): targets pgtrain::core ... pgtrain::report, and pgtrain::pgtrain, which is all of them.
include(CMakePackageConfigHelpers)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/pgtrain)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pgtrainConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT pgtrain NAMESPACE pgtrain:: FILE pgtrainTargets.cmake DESTINATION ${package_directory} COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/scripts/pgtrainConfig.cmake ${PROJECT_BINARY_DIR}/pgtrainConfigVersion.cmake ${PROJECT_SOURCE_DIR}/lib/dependencies.cmake
        DESTINATION ${package_directory} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pgtrain COMPONENT development FILES_MATCHING PATTERN "*.h")

# Manual page and completions come out of the program itself.
set(made ${PROJECT_BINARY_DIR}/made)
file(MAKE_DIRECTORY ${made})
add_custom_command(
  OUTPUT ${made}/pgtrain.1 ${made}/pgtrain ${made}/_pgtrain ${made}/pgtrain.fish
  COMMAND pgtrain manual > ${made}/pgtrain.1
  COMMAND pgtrain completion bash > ${made}/pgtrain
  COMMAND pgtrain completion zsh > ${made}/_pgtrain
  COMMAND pgtrain completion fish > ${made}/pgtrain.fish
  DEPENDS pgtrain VERBATIM)
add_custom_target(pgtrain_manual ALL DEPENDS ${made}/pgtrain.1)
install(FILES ${made}/pgtrain.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
install(FILES ${made}/pgtrain DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT runtime)
install(FILES ${made}/_pgtrain DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT runtime)
install(FILES ${made}/pgtrain.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT runtime)

# What `pgtrain init` copies, in the layout of the source tree.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs ${PROJECT_SOURCE_DIR}/data DESTINATION ${CMAKE_INSTALL_DATADIR}/pgtrain COMPONENT runtime)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/reward_command.py DESTINATION ${CMAKE_INSTALL_DATADIR}/pgtrain/scripts COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime RENAME copyright)

set(CPACK_GENERATOR TGZ)
find_program(PGTRAIN_SHLIBDEPS dpkg-shlibdeps)
if(PGTRAIN_SHLIBDEPS)
  list(APPEND CPACK_GENERATOR DEB)
endif()
set(CPACK_PACKAGE_VENDOR pgtrain)
set(CPACK_PACKAGE_CONTACT "pgtrain developers <pgtrain@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME pgtrain)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
# LibTorch is linked with whatever BLAS there is; the reference BLAS would be over 100 times slower.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS libopenblas0-pthread)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpgtrain-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libtorch-dev, libyaml-cpp-dev, nlohmann-json3-dev, libspdlog-dev, libicu-dev, libssl-dev")
include(CPack)
