// Where the time went, from the trace that ONNX Runtime's profiler writes: the rules of
// agent/child/operator_profile.py, where the trace is described. A test holds both to the same answers.
#pragma once

#include <stdexcept>
#include <string>

#include "measuring/stopping.hpp"
#include "talk/json.hpp"

namespace edgerank {

// A trace is not what the profiler is known to write; says where.
struct TraceUnreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What each layer took in the last inferences of a trace, as protos.measuring.OperatorTimes. Those
// before are the warm-up's; of the same inferences without the profiler there is at least one time.
// Throws TraceUnreadable where it is no such trace, is cut off, or has fewer inferences.
Json operator_times(const std::string& trace, std::size_t run_count, Samples unprofiled_run_ns);

// The same times by execution provider, as protos.measuring.ProviderUse, longest first.
Json uses_by_provider(const Json& times);

}  // namespace edgerank
