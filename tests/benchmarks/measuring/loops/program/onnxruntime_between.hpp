// Stands between the runner's code and ONNX Runtime until the first inference, which the bare loop then repeats.
#pragma once

#include <cstdint>
#include <string>

namespace edgerank {

// From now on this program's own OrtGetApiBase gives the functions of this library.
void stand_before_onnxruntime(const std::string& library_path);

}  // namespace edgerank

// So many inferences, as a person would write them: of the same session, with the same inputs, and nothing else.
extern "C" void edgerank_bare_loop(std::int64_t runs);
