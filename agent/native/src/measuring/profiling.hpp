// Where a network's time goes, and what ran which node: as in agent/child/profiling.py.
#pragma once

#include <string>

#include "measuring/inputs.hpp"
#include "runtimes/network.hpp"
#include "talk/lines.hpp"
#include "talk/request.hpp"

namespace edgerank {

// Profiles so many inferences, leaves the trace in the request's folder, and says what came of it, as
// protos.measuring.OperatorTimes. Throws Refused where the runtime does not take the artifact, has no
// profiler, or wrote a trace that is too long or cannot be read.
Json profile(Runtime& runtime, const Profiling& profiling, const GivenInputs& inputs, const Lines& lines);

// What each execution provider ran of one inference. None where the runtime has no profiler, its trace
// cannot be read, or there is no memory for it: figures stand without it.
Json providers_used(Runtime& runtime, const LoadSettings& settings, const std::string& folder, const GivenInputs& inputs);

}  // namespace edgerank
