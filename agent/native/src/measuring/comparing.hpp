// How far outputs are from those that they should be, as in agent/child/answers.py.
#pragma once

#include <optional>
#include <string>

#include "measuring/inputs.hpp"
#include "runtimes/network.hpp"
#include "talk/json.hpp"

namespace edgerank {

// What a network is to give: the file of protos/reference/outputs.py.
struct ReferenceOutputs {
    std::vector<std::vector<std::int64_t>> shapes;
    std::size_t step;
    double least_score;
    // Of each output, of each input, the numbers that are kept.
    std::vector<std::vector<std::vector<float>>> kept;
};

// Nothing where the file is none that this version reads.
std::optional<ReferenceOutputs> read_reference(const std::string& path);

// Runs the network on the reference inputs, which take the place of its images, and says what came
// of it, as protos.measuring.OutputCheck; null where nobody can tell.
Json check_outputs(Network& network, GivenInputs& inputs, const std::string& reference_path,
                   const std::string& reference_inputs_path);

}  // namespace edgerank
