#include "kernel/clocks.hpp"

#include <time.h>

#include <cstdlib>
#include <string>

#include "kernel/files.hpp"

namespace edgerank {
namespace {

const std::string cpus = "/sys/devices/system/cpu";
constexpr long slowest_khz = 1'000, fastest_khz = 20'000'000;

Json clocks() {
    Json clocks = Json::array();
    for (int cpu : numbers_in(cpus, "cpu")) {
        std::string folder = cpus + "/cpu" + std::to_string(cpu);
        if (read_word(folder + "/online") == "0") continue;
        std::string governor = read_word(folder + "/cpufreq/scaling_governor");
        long khz = std::strtol(read_word(folder + "/cpufreq/scaling_cur_freq").c_str(), nullptr, 10);
        bool is_told = khz >= slowest_khz && khz <= fastest_khz;
        if (governor.empty() && !is_told) continue;
        clocks.push_back({{"cpu", cpu},
                          {"governor", governor.empty() ? Json() : Json(governor)},
                          {"frequency_khz", is_told ? Json(khz) : Json()}});
    }
    return clocks;
}

}  // namespace

Json device_state() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    std::string load = read_word("/proc/loadavg");
    char* end = nullptr;
    double of_one_minute = std::strtod(load.c_str(), &end);
    return {{"taken_at_unix_ms", static_cast<std::int64_t>(now.tv_sec) * 1'000 + now.tv_nsec / 1'000'000},
            {"clocks", clocks()},
            {"load_average", end == load.c_str() ? Json() : Json(of_one_minute)}};
}

}  // namespace edgerank
