// When warm-up has ended, and when enough samples are taken: the rules of agent/child/stopping.py,
// where their reasons are told. A test holds both to the same answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace edgerank {

using Samples = std::vector<std::int64_t>;
using Random = std::mt19937_64;

inline constexpr std::size_t min_samples = 30;
inline constexpr std::size_t max_samples = 200'000;
inline constexpr std::int64_t least_start_ns = 300'000'000;

struct Interval {
    double low, high;
};

struct StoppingRule {
    double relative_half_width;
    std::int64_t time_budget_ns;
    double process_spread = 0.0;
    std::int64_t start_ns = least_start_ns;

    // Why to stop now, by the names of protos.measuring.StopReason, or nothing to go on.
    const char* check(const Samples& latency_ns, std::int64_t elapsed_ns, Random& random) const;
};

// The 95 % percentile-bootstrap interval of the median.
Interval median_interval(std::vector<double> samples, Random& random);
// The median's 95 % interval from the medians of ten stretches of samples that follow in time.
Interval batches_interval(const std::vector<double>& samples);
bool noise_stable(const std::vector<double>& samples);
// How many samples to take before the rule is looked at again.
std::size_t next_batch(std::size_t taken, std::size_t most = max_samples);
// Half of an even number of samples, in order: of each two neighbours one, at random.
Samples one_of_each_pair(const Samples& latency_ns, Random& random);

bool warmed_up(const Samples& warmup_ns);
bool warmup_ended(const Samples& warmup_ns, std::int64_t elapsed_ns, std::int64_t budget_ns);

}  // namespace edgerank
