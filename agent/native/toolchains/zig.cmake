# Cross-compiles with the C++ compiler of the package ziglang. EDGERANK_ZIG is a folder that tools/native
# makes, with a script for each target; EDGERANK_TARGET names machine, libc and its oldest version.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES EDGERANK_ZIG EDGERANK_TARGET)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER ${EDGERANK_ZIG}/c++-${EDGERANK_TARGET})
set(CMAKE_AR ${EDGERANK_ZIG}/ar)
set(CMAKE_RANLIB ${EDGERANK_ZIG}/ranlib)
