# The flags, in one place: an interface target that every target of ours links. Nothing sets flags globally.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(MUSTER_WERROR "Warnings are errors" OFF)
option(MUSTER_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(MUSTER_ANALYZE "gcc -fanalyzer" OFF)
option(MUSTER_COVERAGE "gcov instrumentation" OFF)
set(MUSTER_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

add_library(project_options INTERFACE)
target_compile_options(project_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
    -Wformat=2 -Wswitch-enum -Wnull-dereference -Wimplicit-fallthrough -Wdouble-promotion
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wtrampolines -Walloca>
    $<$<BOOL:${MUSTER_WERROR}>:-Werror>
    $<$<BOOL:${MUSTER_ANALYZE}>:-fanalyzer>)

if(MUSTER_SANITIZE)
    target_compile_options(project_options INTERFACE -fsanitize=${MUSTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(project_options INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()
if(MUSTER_FUZZ)
    # RelWithDebInfo defines NDEBUG; an assert that a fuzzer can't reach is no assert.
    target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link -UNDEBUG)
endif()
if(MUSTER_COVERAGE)
    target_compile_options(project_options INTERFACE --coverage)
    target_link_options(project_options INTERFACE --coverage)
endif()

# What a shipped program is built with. _FORTIFY_SOURCE needs optimisation and quarrels with ASan.
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT MUSTER_SANITIZE)
    target_compile_options(project_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
        -fno-semantic-interposition)
    target_link_options(project_options INTERFACE -Wl,-z,relro,-z,now)
endif()
