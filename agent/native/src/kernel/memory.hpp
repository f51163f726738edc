// This process's memory as the kernel counts it, as agent/device/process_memory.py reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace edgerank {

using Bytes = std::optional<std::uint64_t>;

// High-water mark of resident memory (VmHWM); throws Refused where the kernel does not tell it.
std::uint64_t peak_rss_bytes();

// High-water marks, one a phase.
class PeakMeter {
public:
    PeakMeter();
    // The mark since the phase began, or nothing where the kernel cannot reset it.
    Bytes end_phase();
    std::uint64_t highest_bytes() const { return highest_bytes_; }

private:
    std::uint64_t highest_bytes_;
    bool resets_;
};

Bytes pss_bytes();
Bytes private_dirty_bytes();
Bytes anonymous_bytes();
Bytes file_backed_bytes();
// Resident bytes of a file's mappings: 0 when it is not mapped.
Bytes mapped_bytes(const std::string& path);

}  // namespace edgerank
