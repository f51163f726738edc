#include "measuring/profiling.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "kernel/files.hpp"
#include "kernel/threads.hpp"
#include "measuring/loading.hpp"
#include "measuring/operator_times.hpp"

namespace edgerank {
namespace {

// Twenty inferences of a network of a thousand nodes are about 12 MB.
constexpr std::int64_t mib = 1024 * 1024, max_trace_bytes = 16 * mib;
// In each of the two networks, the plain and the profiled one. Few, since the trace has them.
constexpr int warm_up_runs = 5;

// Nanoseconds of each inference after a warm-up.
Samples times_of(Network& network, const GivenInputs& inputs, int run_count) {
    network.set_inputs(inputs.for_names(network.input_names()));
    for (int run = 0; run < warm_up_runs; ++run) network.run();
    Samples taken_ns;
    for (int run = 0; run < run_count; ++run) {
        std::int64_t begin_ns = now_ns();
        network.run();
        taken_ns.push_back(now_ns() - begin_ns);
    }
    return taken_ns;
}

std::string read_trace(const std::string& path, int run_count) {
    struct stat told {};
    std::optional<std::string> text;
    if (stat(path.c_str(), &told) == 0 && told.st_size <= max_trace_bytes) text = read_text(path);
    if (text) return *text;
    if (told.st_size <= max_trace_bytes)
        throw Refused(runtime_error_code, std::string("the trace could not be kept: ") + std::strerror(errno));
    // The same inferences take more digits when they are slower, so a tenth is left free.
    std::int64_t room_for = (run_count + warm_up_runs) * max_trace_bytes * 9 / (10 * told.st_size) - warm_up_runs;
    throw Refused(runtime_error_code,
                  "a trace of " + std::to_string(run_count) + " inferences of this network is longer than " +
                      std::to_string(max_trace_bytes / mib) + " MiB; " +
                      (room_for > 0 ? "profile at most " + std::to_string(room_for) : "it has too many operators"));
}

ProfiledNetwork load_profiled(Runtime& runtime, const LoadSettings& settings, const std::string& folder) {
    return load_as_asked(settings, [&](const LoadSettings& asked) { return runtime.load_profiled(asked, folder); });
}

}  // namespace

Json profile(Runtime& runtime, const Profiling& profiling, const GivenInputs& inputs, const Lines& lines) {
    lines.phase("loading the artifact");
    std::unique_ptr<Network> plain =
        load_as_asked(profiling.load, [&](const LoadSettings& asked) { return runtime.load(asked); });
    lines.phase("warming up");
    Samples unprofiled_run_ns = times_of(*plain, inputs, profiling.run_count);
    // Before the other is loaded: a board may have room for one.
    plain->unload();
    ProfiledNetwork profiled = load_profiled(runtime, profiling.load, profiling.folder);
    lines.phase("profiling");
    times_of(*profiled.network, inputs, profiling.run_count);
    std::string path = profiled.end_profiling();
    lines.phase("reporting");
    std::string trace = read_trace(path, profiling.run_count);
    Json times;
    try {
        times = operator_times(trace, static_cast<std::size_t>(profiling.run_count), unprofiled_run_ns);
    } catch (const TraceUnreadable& error) {
        throw Refused(runtime_error_code, error.what());
    }
    if (std::rename(path.c_str(), (profiling.folder + "/" + trace_name).c_str()) != 0)
        throw Refused(runtime_error_code, std::string("the trace could not be kept: ") + std::strerror(errno));
    return times;
}

Json providers_used(Runtime& runtime, const LoadSettings& settings, const std::string& folder, const GivenInputs& inputs) {
    try {
        ProfiledNetwork profiled = load_profiled(runtime, settings, folder);
        times_of(*profiled.network, inputs, 1);
        std::string path = profiled.end_profiling();
        std::string trace = read_trace(path, 1);
        unlink(path.c_str());
        return uses_by_provider(operator_times(trace, 1, {1}));
    } catch (const Refused&) {
    } catch (const TraceUnreadable&) {
    } catch (const std::bad_alloc&) {
    }
    return Json::array();
}

}  // namespace edgerank
