// edgerank-fidelity: blocks of the runner's measuring loop and of a bare loop, in turn, over the same loaded
// network in one process, so that memory, threads and the host are the same for both.
//
//   edgerank-fidelity LIBRARY SECONDS BLOCK_MS <REQUEST
//
// The request is the runner's; LIBRARY is that of ONNX Runtime, or bare_paddlelite.cpp as it was compiled
// against a Paddle Lite. Prints the mean time of an inference in each block, in ns: the runner's is of the
// latencies that it took, the bare loop's of one reading of the clock before the block and one behind it.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>

#include "kernel/threads.hpp"
#include "measuring/inputs.hpp"
#include "measuring/loading.hpp"
#include "measuring/sampling.hpp"
#include "onnxruntime_between.hpp"
#include "runtimes/library.hpp"
#include "talk/request.hpp"

namespace {

using namespace edgerank;
using BareLoop = void(std::int64_t runs);

constexpr std::int64_t ns_per_ms = 1'000'000;

struct Opened {
    std::unique_ptr<Runtime> runtime;
    BareLoop* bare_loop;
};

Opened open(const std::string& name, const std::string& path) {
    bool is_onnxruntime = name == "onnxruntime";
    if (is_onnxruntime) stand_before_onnxruntime(path);
    // The empty name is that of this program.
    std::string place = is_onnxruntime ? "" : path;
    return {is_onnxruntime ? open_onnxruntime(place) : open_paddlelite(place),
            Library(place).function<BareLoop>("edgerank_bare_loop")};
}

struct Means {
    std::vector<double> measured_ns, bare_ns;
};

// How often a block of so much time has it, at least once.
std::int64_t runs_in(std::int64_t block_ns, double run_ns) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(block_ns) / run_ns));
}

Means take_turns(Network& network, BareLoop* bare_loop, std::int64_t length_ns, std::int64_t block_ns, double run_ns) {
    Random random(0);
    Means means;
    std::int64_t runs = runs_in(block_ns, run_ns);
    auto bare = [&] {
        std::int64_t begin_ns = now_ns();
        bare_loop(runs);
        means.bare_ns.push_back(static_cast<double>(now_ns() - begin_ns) / static_cast<double>(runs));
        return means.bare_ns.back();
    };
    auto measured = [&] {
        // Time for twice as many, of which the first count: else one that is interrupted had fewer than the bare
        // loop's. No interval is as narrow that it ends before.
        std::int64_t budget_ns = runs == 1 ? 0 : std::llround(2 * static_cast<double>(runs) * run_ns);
        Samples taken = sample(network, {-1.0, budget_ns}, random).latency_ns;
        taken.resize(std::min(taken.size(), static_cast<std::size_t>(runs)));
        means.measured_ns.push_back(std::accumulate(taken.begin(), taken.end(), 0.0) / static_cast<double>(taken.size()));
    };
    // Each is first every second time: what drifts falls out.
    for (std::int64_t until_ns = now_ns() + length_ns; now_ns() < until_ns;) {
        measured();
        double one_ns = bare(), other_ns = bare();
        measured();
        // Neither of them was interrupted, or one was.
        run_ns = std::min(one_ns, other_ns);
        runs = runs_in(block_ns, run_ns);
    }
    return means;
}

Means compared(const Request& request, const std::string& path, std::int64_t length_ns, std::int64_t block_ns) {
    stay_on_cores(request.cores);
    Opened opened = open(request.runtime, path);
    GivenInputs inputs(request.inputs, request.inputs_path.value());
    std::unique_ptr<Network> network = load_as_asked(
        request.sampling->load, [&](const LoadSettings& settings) { return opened.runtime->load(settings); });
    network->set_inputs(inputs.for_names(network->input_names()));
    Samples warmup_ns = warm_up(*network, request.sampling->time_budget_ns / 2, [] {});
    return take_turns(*network, opened.bare_loop, length_ns, block_ns, static_cast<double>(warmup_ns.back()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: edgerank-fidelity LIBRARY SECONDS BLOCK_MS <REQUEST\n");
        return 2;
    }
    try {
        std::string text(std::istreambuf_iterator<char>(std::cin), {});
        std::int64_t length_ns = std::atoll(argv[2]) * 1'000 * ns_per_ms, block_ns = std::atoll(argv[3]) * ns_per_ms;
        Means means = compared(read_request(text), argv[1], length_ns, block_ns);
        Json told = {{"measured_ns", means.measured_ns}, {"bare_ns", means.bare_ns}};
        std::printf("%s\n", told.dump().c_str());
        std::fflush(stdout);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    // As the runner: runtimes may crash while they are taken down.
    _exit(0);
}
