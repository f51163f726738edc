// The timed loops, as in agent/child/sampling.py: warm-up, then samples until the rule is content.
#pragma once

#include <functional>
#include <string>

#include "measuring/stopping.hpp"
#include "runtimes/network.hpp"

namespace edgerank {

struct Sampled {
    Samples latency_ns;
    std::string stop_reason;
    std::vector<std::size_t> samples_per_window;
};

// Inferences that began on a clock: what each took, and how long after its frame it began.
struct Paced {
    Samples latency_ns, delay_ns;
};

// The times of all runs, in order; `on_first_run_done` is called behind the first one.
Samples warm_up(Network& network, std::int64_t budget_ns, const std::function<void()>& on_first_run_done);
// At least one sample is taken, and none begins after the time budget.
Sampled sample(Network& network, const StoppingRule& rule, Random& random);
// Without a pause for so many windows of time, one after the other.
Sampled sample_windows(Network& network, int windows, std::int64_t window_ns, Random& random);

// Runs once for each frame, and rests until the next; those of the first second are not told. A frame
// that comes while the one before is still computed is dropped, as by a camera that has no queue.
Paced pace(Network& network, std::int64_t interval_ns, std::int64_t length_ns);

}  // namespace edgerank
