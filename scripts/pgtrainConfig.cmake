# find_package(pgtrain): the modules as pgtrain::similarity, pgtrain::train, ..., and all of them as pgtrain::pgtrain.
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/pgtrainTargets.cmake)
if(NOT TARGET pgtrain::pgtrain)
  add_library(pgtrain::pgtrain INTERFACE IMPORTED)
  target_link_libraries(pgtrain::pgtrain INTERFACE pgtrain::report)
endif()
