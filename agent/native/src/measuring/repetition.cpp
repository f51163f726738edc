#include "measuring/repetition.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernel/clocks.hpp"
#include "kernel/memory.hpp"
#include "kernel/threads.hpp"
#include "measuring/comparing.hpp"
#include "measuring/inputs.hpp"
#include "measuring/loading.hpp"
#include "measuring/profiling.hpp"
#include "measuring/sampling.hpp"
#include "version.hpp"

namespace edgerank {
namespace {

Json told(const Bytes& bytes) { return bytes ? Json(*bytes) : Json(); }

std::string build_of(const std::string& of_library) {
    std::string runner = std::string(program_name) + " " + program_version;
    return of_library.empty() ? runner : of_library + "; " + runner;
}

std::unique_ptr<Runtime> open_runtime(const std::string& name, const std::string& library_path) {
    if (name == "onnxruntime") return open_onnxruntime(library_path);
    if (name == "paddlelite") return open_paddlelite(library_path);
    throw Refused(no_runtime_code, "the native runner knows no runtime " + name);
}

std::unique_ptr<Network> load(Runtime& runtime, const LoadSettings& settings, std::int64_t& load_ns) {
    return load_as_asked(settings, [&](const LoadSettings& asked) {
        std::int64_t begin_ns = now_ns();
        std::unique_ptr<Network> network = runtime.load(asked);
        load_ns = now_ns() - begin_ns;
        return network;
    });
}

Sampled sample_as_asked(Network& network, const Sampling& sampling, std::int64_t start_ns) {
    Random random(0);
    if (sampling.windows > 0) return sample_windows(network, sampling.windows, sampling.window_ns, random);
    return sample(network, {sampling.relative_half_width, sampling.time_budget_ns, sampling.process_spread, start_ns}, random);
}

Json check_as_asked(Network& network, const Request& request, GivenInputs& inputs, const Lines& lines) {
    if (!request.sampling->reference_path || !request.reference_inputs_path) return {};
    lines.phase("comparing its outputs");
    return check_outputs(network, inputs, *request.sampling->reference_path, *request.reference_inputs_path);
}

// Behind the samples, whose figure so stays what it is without it; null where nobody asks.
Json pace_as_asked(Network& network, const Sampling& sampling, const Lines& lines) {
    if (sampling.paced_fps <= 0) return {};
    lines.phase("running on a clock");
    Paced paced = pace(network, std::llround(1e9 / sampling.paced_fps), sampling.paced_ns);
    return {{"latency_ns", paced.latency_ns}, {"delay_ns", paced.delay_ns}};
}

// Behind all, in the place of the network; none where nobody asks.
Json profile_as_asked(Runtime& runtime, Network& network, const Sampling& sampling, const GivenInputs& inputs,
                      const Lines& lines) {
    if (!sampling.trace_folder) return Json::array();
    lines.phase("profiling");
    // A board may have room for one.
    network.unload();
    return providers_used(runtime, sampling.load, *sampling.trace_folder, inputs);
}

// What is resident when the network is warm; by which peaks it came there is added.
Json residence(const std::string& artifact_path) {
    return {{"private_dirty_bytes", told(private_dirty_bytes())},
            {"anonymous_bytes", told(anonymous_bytes())},
            {"file_backed_bytes", told(file_backed_bytes())},
            {"mapped_artifact_bytes", told(mapped_bytes(artifact_path))}};
}

Json measure(Runtime& runtime, const Request& request, GivenInputs& inputs, const Lines& lines) {
    const Sampling& sampling = *request.sampling;
    PeakMeter peaks;
    lines.phase("loading the artifact");
    std::int64_t load_ns = 0;
    std::unique_ptr<Network> network = load(runtime, sampling.load, load_ns);
    Bytes load_peak = peaks.end_phase();
    network->set_inputs(inputs.for_names(network->input_names()));
    Json before = device_state();
    peaks.end_phase();
    lines.phase("running for the first time");
    Bytes first_run_peak;
    // Half of what sampling may take: a slow network is not warmed up for longer than measured.
    Samples warmup_ns = warm_up(*network, sampling.time_budget_ns / 2, [&] {
        first_run_peak = peaks.end_phase();
        lines.phase("warming up");
    });
    Bytes steady_peak = peaks.end_phase();
    Json memory = residence(sampling.load.artifact_path);
    Bytes pss = pss_bytes();
    lines.phase("sampling");
    ThreadMeter threads;
    std::int64_t start_ns = std::accumulate(warmup_ns.begin(), warmup_ns.end(), least_start_ns + load_ns);
    Sampled sampled = sample_as_asked(*network, sampling, start_ns);
    ThreadWork threads_did = threads.stop();
    memory["load_peak_rss_bytes"] = told(load_peak);
    memory["first_run_peak_rss_bytes"] = told(first_run_peak);
    memory["steady_peak_rss_bytes"] = told(steady_peak);
    memory["sampled_anonymous_bytes"] = told(anonymous_bytes());
    lines.phase("reporting");
    Json after = device_state();
    after["waiting_share"] = threads_did.waiting_share ? Json(*threads_did.waiting_share) : Json();
    Json paced = pace_as_asked(*network, sampling, lines);
    // At last, so that neither the first run nor memory has any of it.
    Json check = check_as_asked(*network, request, inputs, lines);
    std::string build = build_of(network->build());
    // The network's threads go with it.
    std::vector<int> affinity = cores_of_threads();
    Json providers = profile_as_asked(runtime, *network, sampling, inputs, lines);
    return {{"build", build},
            {"library_version", runtime.version()},
            {"latency_ns", sampled.latency_ns},
            {"warmup_ns", warmup_ns},
            {"warmup_settled", warmed_up(warmup_ns)},
            {"load_ns", load_ns},
            {"peak_rss_bytes", peaks.highest_bytes()},
            {"pss_bytes", told(pss)},
            {"memory", memory},
            {"busy_threads", threads_did.busy_threads},
            {"stop_reason", sampled.stop_reason},
            {"before", before},
            {"after", after},
            {"affinity", affinity},
            {"samples_per_window", sampled.samples_per_window},
            {"paced", paced},
            {"providers", providers},
            {"output_check", check}};
}

Json profiled(Runtime& runtime, const Profiling& profiling, const GivenInputs& inputs, const Lines& lines) {
    Json times = profile(runtime, profiling, inputs, lines);
    return {{"build", build_of(runtime.build())}, {"times", times}, {"affinity", cores_of_threads()}};
}

// Everything that measuring does, but without a network, and the memory of it.
Json baseline(Runtime& runtime) {
    device_state();
    return {{"peak_rss_bytes", peak_rss_bytes()},
            {"build", build_of(runtime.build())},
            {"library_version", runtime.version()},
            {"execution_providers", runtime.execution_providers()}};
}

void check_affinity(const Request& request, const Json& answer) {
    std::vector<int> wanted = request.cores;
    std::sort(wanted.begin(), wanted.end());
    if (!wanted.empty() && answer.at("affinity").get<std::vector<int>>() != wanted)
        throw Refused(runtime_error_code, request.runtime + " let its threads run on other cores, too, than it was told; "
                                                            "measure on all cores");
}

}  // namespace

void work(const Request& request, const std::string& library_path, const Lines& lines) {
    stay_on_cores(request.cores);
    lines.phase("importing the runtime");
    std::unique_ptr<Runtime> runtime = open_runtime(request.runtime, library_path);
    if ((request.sampling || request.profiling) && !request.inputs_path)
        throw Refused(runtime_error_code, "the request has no inputs for the native runner");
    // The memory of inputs belongs to the baseline, too.
    std::optional<GivenInputs> inputs;
    if (request.inputs_path) inputs.emplace(request.inputs, *request.inputs_path);
    if (!request.sampling && !request.profiling) return lines.answer("baseline", baseline(*runtime));
    Json answer = request.profiling ? profiled(*runtime, *request.profiling, *inputs, lines)
                                    : measure(*runtime, request, *inputs, lines);
    check_affinity(request, answer);
    lines.answer(request.profiling ? "profiled" : "sampled", answer);
}

}  // namespace edgerank
