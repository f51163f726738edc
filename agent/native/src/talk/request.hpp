// What the agent asks for: the JSON document of agent/child/messages.py, and where its inputs are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtimes/network.hpp"

namespace edgerank {

// An input of the network; the first one is the images.
struct TakenInput {
    std::string name;  // empty of the images, which are for the input that nobody names
    ElementType type;
    std::vector<std::int64_t> shape;
    std::size_t bytes() const { return size_of(type) * count_of(shape); }
};

// See agent.child.messages.Sampling.
struct Sampling {
    LoadSettings load;
    double relative_half_width;
    std::int64_t time_budget_ns;
    double process_spread;
    int windows;
    std::int64_t window_ns;
    // Frames a second behind the samples, and for how long; 0 is none.
    double paced_fps;
    std::int64_t paced_ns;
    std::optional<std::string> reference_path;
    // For a profiled inference behind all; none is none.
    std::optional<std::string> trace_folder;
};

// See agent.child.messages.Profiling; the trace is left in the folder by the name of `trace_name`.
struct Profiling {
    LoadSettings load;
    int run_count;
    std::string folder;
};

inline constexpr const char* trace_name = "trace.json";

// See agent.child.messages.ChildRequest; a parent of 0 is none, and so is a limit of 0.
struct Request {
    int parent_pid;
    std::uint64_t memory_limit_bytes;
    std::string runtime;
    std::vector<int> cores;
    std::vector<TakenInput> inputs;
    std::optional<Profiling> profiling;
    std::optional<Sampling> sampling;
    std::optional<std::string> inputs_path;
    std::optional<std::string> reference_inputs_path;
};

// Throws std::exception where the text is no request.
Request read_request(const std::string& text);

}  // namespace edgerank
