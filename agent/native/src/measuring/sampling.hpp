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

// The times of all runs, in order; `on_first_run_done` is called behind the first one.
Samples warm_up(Network& network, std::int64_t budget_ns, const std::function<void()>& on_first_run_done);
// At least one sample is taken, and none begins after the time budget.
Sampled sample(Network& network, const StoppingRule& rule, Random& random);
// Without a pause for so many windows of time, one after the other.
Sampled sample_windows(Network& network, int windows, std::int64_t window_ns, Random& random);

}  // namespace edgerank
