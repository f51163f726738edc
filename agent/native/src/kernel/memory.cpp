#include "kernel/memory.hpp"

#include <cstdlib>

#include "kernel/files.hpp"
#include "talk/lines.hpp"

namespace edgerank {
namespace {

const std::string own = "/proc/self/";

// The amount of a line "name:   123 kB".
Bytes amount_bytes(const std::string& text, const std::string& name) {
    std::string wanted = "\n" + name + ":";
    std::size_t found = ("\n" + text).find(wanted);
    if (found == std::string::npos) return std::nullopt;
    const char* begin = text.c_str() + found + wanted.size() - 1;
    char* end = nullptr;
    unsigned long long kilobytes = std::strtoull(begin, &end, 10);
    if (end == begin || std::string(end, 3) != " kB") return std::nullopt;
    return kilobytes * 1024;
}

Bytes told_in(const char* file, const char* name) {
    auto text = read_text(own + file);
    return text ? amount_bytes(*text, name) : std::nullopt;
}

// See proc(5), /proc/pid/clear_refs.
bool reset_peak() { return write_text(own + "clear_refs", "5"); }

// Of "address permissions offset device inode  file": the file.
std::string mapped_file(const std::string& line) {
    std::size_t place = 0;
    for (int field = 0; field < 5; ++field) {
        place = line.find(' ', place);
        if (place == std::string::npos) return "";
        ++place;
    }
    place = line.find_first_not_of(' ', place);
    return place == std::string::npos ? "" : line.substr(place);
}

bool begins_mapping(const std::string& line) {
    std::size_t dash = line.find('-');
    return dash != std::string::npos && dash > 0 &&
           line.find_first_not_of("0123456789abcdef") == dash;
}

}  // namespace

std::uint64_t peak_rss_bytes() {
    Bytes peak = told_in("status", "VmHWM");
    if (!peak) throw Refused(runtime_error_code, "the kernel does not tell the peak of memory: /proc/self/status has no VmHWM");
    return *peak;
}

PeakMeter::PeakMeter() : highest_bytes_(peak_rss_bytes()), resets_(reset_peak()) {}

Bytes PeakMeter::end_phase() {
    std::uint64_t mark = peak_rss_bytes();
    if (mark > highest_bytes_) highest_bytes_ = mark;
    if (!resets_) return std::nullopt;
    resets_ = reset_peak();
    return mark;
}

Bytes pss_bytes() { return told_in("smaps_rollup", "Pss"); }
Bytes private_dirty_bytes() { return told_in("smaps_rollup", "Private_Dirty"); }
Bytes anonymous_bytes() { return told_in("smaps_rollup", "Anonymous"); }
Bytes file_backed_bytes() { return told_in("status", "RssFile"); }

Bytes mapped_bytes(const std::string& path) {
    auto smaps = read_text(own + "smaps");
    if (!smaps || smaps->empty()) return std::nullopt;
    // The kernel names a mapped file by where it is, whatever links led there.
    char* real = realpath(path.c_str(), nullptr);
    std::string name = real != nullptr ? real : path;
    std::free(real);
    std::uint64_t total = 0;
    bool inside = false;
    for (std::size_t begin = 0, end; begin < smaps->size(); begin = end + 1) {
        end = smaps->find('\n', begin);
        if (end == std::string::npos) end = smaps->size();
        std::string line = smaps->substr(begin, end - begin);
        if (begins_mapping(line))
            inside = mapped_file(line) == name;
        else if (inside && line.rfind("Rss:", 0) == 0)
            total += std::strtoull(line.c_str() + 4, nullptr, 10) * 1024;
    }
    return total;
}

}  // namespace edgerank
