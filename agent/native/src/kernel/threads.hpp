// Which threads of this process computed or waited, as agent/device/threads.py reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace edgerank {

// The monotonic clock, as Python's time.perf_counter_ns.
std::int64_t now_ns();

struct ThreadWork {
    int busy_threads;
    std::optional<double> waiting_share;
};

// Watches the threads from now until `stop`.
class ThreadMeter {
public:
    ThreadMeter();
    ThreadWork stop() const;

private:
    std::map<int, std::int64_t> cpu_time_ns_, waiting_ns_;
    std::int64_t begin_ns_;
};

// The cores that any thread of this process may run on, ascending.
std::vector<int> cores_of_threads();

// Run on these cores only, and so do the threads that start from now on; none is as it is.
// Throws Refused where the kernel does not grant every one of them.
void stay_on_cores(const std::vector<int>& cores);

}  // namespace edgerank
