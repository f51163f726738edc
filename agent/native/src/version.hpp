// What this program is. The protocol is counted up when a request or an answer changes its meaning.
#pragma once

namespace edgerank {

inline constexpr const char* program_name = "edgerank-runner";
inline constexpr const char* program_version = "0.1.0";
inline constexpr int protocol_version = 1;

#if defined(__x86_64__)
inline constexpr const char* architecture = "x86_64";
#elif defined(__aarch64__)
inline constexpr const char* architecture = "aarch64";
#elif defined(__arm__)
inline constexpr const char* architecture = "armv7l";
#else
#error "no runtime is measured on this architecture"
#endif

}  // namespace edgerank
