#include "measuring/sampling.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "kernel/threads.hpp"

namespace edgerank {
namespace {

// While clocks fall to where idle gaps let them.
constexpr std::int64_t settling_ns = 1'000'000'000;

void sleep_until(std::int64_t due_ns) {
    for (std::int64_t left_ns; (left_ns = due_ns - now_ns()) > 0;)
        std::this_thread::sleep_for(std::chrono::nanoseconds(left_ns));
}

std::int64_t timed_run(Network& network) {
    std::int64_t begin_ns = now_ns();
    network.run();
    return now_ns() - begin_ns;
}

// Adds the picked one of every `runs_per_sample` runs; no run begins after the deadline.
void take_batch(Network& network, Samples& latency_ns, std::size_t count, std::uint64_t runs_per_sample,
                std::int64_t deadline_ns, Random& random) {
    Samples batch(count);
    std::vector<std::uint64_t> picks(count);
    for (std::uint64_t& pick : picks) pick = random() % runs_per_sample;
    std::size_t taken = 0;
    for (; taken < count; ++taken) {
        for (std::uint64_t turn = 0; turn < runs_per_sample; ++turn) {
            std::int64_t begin_ns = now_ns();
            network.run();
            std::int64_t end_ns = now_ns();
            if (turn == picks[taken]) batch[taken] = end_ns - begin_ns;
            if (end_ns >= deadline_ns) {
                if (turn >= picks[taken]) ++taken;
                batch.resize(taken);
                latency_ns.insert(latency_ns.end(), batch.begin(), batch.end());
                return;
            }
        }
    }
    latency_ns.insert(latency_ns.end(), batch.begin(), batch.end());
}

// Every run that begins before the end, or an even random share of at most `most`.
Samples until(std::int64_t end_ns, Network& network, std::size_t most, Random& random) {
    Samples latency_ns;
    std::uint64_t runs_per_sample = 1;
    while (now_ns() < end_ns) {
        if (latency_ns.size() == most) {
            latency_ns = one_of_each_pair(latency_ns, random);
            runs_per_sample *= 2;
        }
        take_batch(network, latency_ns, next_batch(latency_ns.size(), most), runs_per_sample, end_ns, random);
    }
    return latency_ns;
}

}  // namespace

Samples warm_up(Network& network, std::int64_t budget_ns, const std::function<void()>& on_first_run_done) {
    Samples warmup_ns{timed_run(network)};
    std::int64_t elapsed_ns = warmup_ns.front();
    on_first_run_done();
    while (!warmup_ended(warmup_ns, elapsed_ns, budget_ns)) {
        warmup_ns.push_back(timed_run(network));
        elapsed_ns += warmup_ns.back();
    }
    return warmup_ns;
}

Sampled sample(Network& network, const StoppingRule& rule, Random& random) {
    Samples latency_ns;
    std::uint64_t runs_per_sample = 1;
    std::int64_t begin_ns = now_ns(), deadline_ns = begin_ns + rule.time_budget_ns;
    while (true) {
        take_batch(network, latency_ns, next_batch(latency_ns.size()), runs_per_sample, deadline_ns, random);
        if (const char* reason = rule.check(latency_ns, now_ns() - begin_ns, random))
            return {std::move(latency_ns), reason, {}};
        if (latency_ns.size() == max_samples) {
            latency_ns = one_of_each_pair(latency_ns, random);
            runs_per_sample *= 2;
        }
    }
}

Sampled sample_windows(Network& network, int windows, std::int64_t window_ns, Random& random) {
    std::int64_t begin_ns = now_ns();
    // Even, since halves are kept of it.
    std::size_t most = max_samples / static_cast<std::size_t>(windows) / 2 * 2;
    Sampled sampled{{}, "sustained", {}};
    for (int number = 1; number <= windows; ++number) {
        Samples window = until(begin_ns + number * window_ns, network, most, random);
        sampled.latency_ns.insert(sampled.latency_ns.end(), window.begin(), window.end());
        sampled.samples_per_window.push_back(window.size());
    }
    return sampled;
}

Paced pace(Network& network, std::int64_t interval_ns, std::int64_t length_ns) {
    Paced paced;
    std::int64_t first_ns = now_ns();
    for (std::int64_t frame = 0; frame * interval_ns < length_ns || paced.latency_ns.empty();) {
        std::int64_t since_first_ns = frame * interval_ns, due_ns = first_ns + since_first_ns;
        sleep_until(due_ns);
        std::int64_t begin_ns = now_ns();
        network.run();
        std::int64_t end_ns = now_ns();
        if (since_first_ns >= settling_ns) {
            paced.latency_ns.push_back(end_ns - begin_ns);
            paced.delay_ns.push_back(begin_ns - due_ns);
        }
        // The next that has not come yet.
        frame = std::max(frame + 1, (end_ns - first_ns + interval_ns - 1) / interval_ns);
    }
    return paced;
}

}  // namespace edgerank
