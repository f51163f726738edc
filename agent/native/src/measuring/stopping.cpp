#include "measuring/stopping.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace edgerank {
namespace {

constexpr int resamples = 1'000;
constexpr std::int64_t min_sampling_ns = 100'000'000;
constexpr double growth = 1.5;
constexpr std::size_t batches = 10;
constexpr double batches_quantile = 2.262;
constexpr double normal_quantile = 1.96;
constexpr double share_of_processes = 1.0 / 3;
constexpr double wandering = 2.5;
constexpr std::size_t min_stable_samples = 300;
constexpr std::int64_t min_stable_ns = 3'000'000'000;
constexpr int stable_checks = 4;
constexpr double median_moves_within = 0.005;
constexpr double spread_moves_within = 0.05;
constexpr std::size_t warmup_window = 10;
constexpr std::size_t min_warmup = 3;
constexpr std::size_t max_warmup = 300;
constexpr double windows_agree_within = 0.05;
constexpr double tukey_fence = 1.5;

using Values = std::vector<double>;

double quantile_of_sorted(const Values& ordered, double share) {
    double position = static_cast<double>(ordered.size() - 1) * share;
    auto index = static_cast<std::size_t>(position);
    double rest = position - static_cast<double>(index);
    if (rest == 0) return ordered[index];
    return ordered[index] + (ordered[index + 1] - ordered[index]) * rest;
}

Values sorted(Values values) {
    std::sort(values.begin(), values.end());
    return values;
}

double median_of(const Values& values) { return quantile_of_sorted(sorted(values), 0.5); }

// The parts of nearly equal length that a series falls into; the first ones are longer by one.
std::vector<Values> stretches(const Values& series, std::size_t count) {
    std::vector<Values> parts;
    auto begin = series.begin();
    for (std::size_t number = 0; number < count; ++number) {
        std::size_t length = series.size() / count + (number < series.size() % count ? 1 : 0);
        parts.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
        begin += static_cast<std::ptrdiff_t>(length);
    }
    return parts;
}

double beta(double a, double b, Random& random) {
    double x = std::gamma_distribution<double>(a, 1.0)(random);
    double y = std::gamma_distribution<double>(b, 1.0)(random);
    return x / (x + y);
}

double at(const Values& ordered, double share) {
    auto index = static_cast<std::size_t>(share * static_cast<double>(ordered.size()));
    return ordered[std::min(index, ordered.size() - 1)];
}

double relative_half_width_of(Interval interval, double median) {
    if (median == 0) return std::numeric_limits<double>::infinity();
    return std::max(interval.high - median, median - interval.low) / std::abs(median);
}

struct Shape {
    double first_quartile, third_quartile, deviation;
};

Shape shape_of(const Values& window) {
    Values ordered = sorted(window), distances;
    double median = quantile_of_sorted(ordered, 0.5);
    for (double run : window) distances.push_back(std::abs(run - median));
    return {quantile_of_sorted(ordered, 0.25), quantile_of_sorted(ordered, 0.75), median_of(distances)};
}

bool precise(double resampled, double of_stretches, double wanted) {
    if (resampled > wanted) return false;
    return of_stretches <= wanted || resampled <= wanted / wandering;
}

}  // namespace

const char* StoppingRule::check(const Samples& latency_ns, std::int64_t elapsed_ns, Random& random) const {
    if (latency_ns.size() >= min_samples && elapsed_ns >= min_sampling_ns) {
        Values samples(latency_ns.begin(), latency_ns.end());
        double median = median_of(samples);
        double resampled = relative_half_width_of(median_interval(samples, random), median);
        double of_stretches = relative_half_width_of(batches_interval(samples), median);
        if (precise(resampled, of_stretches, relative_half_width)) return "precise";
        double error = std::max(resampled / normal_quantile, of_stretches / batches_quantile);
        double share = elapsed_ns < start_ns ? share_of_processes
                                             : std::sqrt(static_cast<double>(elapsed_ns) / static_cast<double>(start_ns));
        if (error <= process_spread * share) return "below_process_spread";
        if (elapsed_ns >= min_stable_ns && noise_stable(samples)) return "noise_stable";
    }
    return elapsed_ns >= time_budget_ns ? "time_budget" : nullptr;
}

Interval median_interval(Values samples, Random& random) {
    Values ordered = sorted(std::move(samples)), medians;
    auto half = static_cast<double>(ordered.size() / 2);
    for (int draw = 0; draw < resamples; ++draw) {
        if (ordered.size() % 2 == 1) {
            medians.push_back(at(ordered, beta(half + 1, half + 1, random)));
        } else {
            double below = beta(half, half + 1, random);
            // Given the draw below the middle, the next one is the least of `half` draws above it.
            double above = below + (1 - below) * beta(1, half, random);
            medians.push_back((at(ordered, below) + at(ordered, above)) / 2);
        }
    }
    std::sort(medians.begin(), medians.end());
    return {quantile_of_sorted(medians, 0.025), quantile_of_sorted(medians, 0.975)};
}

Interval batches_interval(const Values& samples) {
    Values medians;
    double mean = 0, squares = 0;
    for (const Values& stretch : stretches(samples, batches)) medians.push_back(median_of(stretch));
    for (double median : medians) mean += median / batches;
    for (double median : medians) squares += (median - mean) * (median - mean);
    double reach = batches_quantile * std::sqrt(squares / (batches - 1)) / std::sqrt(static_cast<double>(batches));
    double median = median_of(samples);
    return {median - reach, median + reach};
}

bool noise_stable(const Values& samples) {
    if (samples.size() < min_stable_samples) return false;
    double median = 0, spread = 0;
    for (int back = 0; back < stable_checks; ++back) {
        auto count = static_cast<std::ptrdiff_t>(static_cast<double>(samples.size()) / std::pow(growth, back));
        Values ordered = sorted(Values(samples.begin(), samples.begin() + count));
        double middle = quantile_of_sorted(ordered, 0.5);
        double range = quantile_of_sorted(ordered, 0.75) - quantile_of_sorted(ordered, 0.25);
        if (back == 0) {
            median = middle;
            spread = range;
        } else if (std::abs(middle - median) > median_moves_within * median ||
                   std::abs(range - spread) > spread_moves_within * spread) {
            return false;
        }
    }
    std::vector<Values> halves = stretches(samples, 2);
    return std::abs(median_of(halves[1]) - median_of(halves[0])) <= median_moves_within * median;
}

std::size_t next_batch(std::size_t taken, std::size_t most) {
    std::size_t missing = taken < min_samples ? min_samples - taken : 0;
    return std::min(std::max({missing, taken / 2, std::size_t{1}}), most - taken);
}

Samples one_of_each_pair(const Samples& latency_ns, Random& random) {
    Samples kept;
    for (std::size_t i = 0; i + 1 < latency_ns.size(); i += 2) kept.push_back(latency_ns[i + random() % 2]);
    return kept;
}

bool warmed_up(const Samples& warmup_ns) {
    if (warmup_ns.size() < 2 * warmup_window) return false;
    Values earlier(warmup_ns.end() - 2 * warmup_window, warmup_ns.end() - warmup_window);
    Values later(warmup_ns.end() - warmup_window, warmup_ns.end());
    double scale = median_of(later);
    Shape before = shape_of(earlier), after = shape_of(later);
    for (double difference : {before.first_quartile - after.first_quartile, before.third_quartile - after.third_quartile,
                              before.deviation - after.deviation})
        if (std::abs(difference) > windows_agree_within * scale) return false;
    Values others = earlier;
    others.insert(others.end(), later.begin() + 1, later.end());
    std::sort(others.begin(), others.end());
    double first_quartile = quantile_of_sorted(others, 0.25), third_quartile = quantile_of_sorted(others, 0.75);
    double fence = third_quartile + tukey_fence * (third_quartile - first_quartile);
    return later.front() <= std::max(fence, scale * (1 + windows_agree_within));
}

bool warmup_ended(const Samples& warmup_ns, std::int64_t elapsed_ns, std::int64_t budget_ns) {
    if (warmup_ns.size() < min_warmup) return false;
    return warmup_ns.size() >= max_warmup || elapsed_ns >= budget_ns || warmed_up(warmup_ns);
}

}  // namespace edgerank
