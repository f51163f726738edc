// A runtime and a network in it, whatever library computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace edgerank {

enum class ElementType { float32, float16, float64, uint8, int8, int32, int64, boolean };

// By NumPy's name for it; throws std::invalid_argument.
ElementType element_type_named(const std::string& name);
std::size_t size_of(ElementType type);
std::size_t count_of(const std::vector<std::int64_t>& shape);

// See protos.runtimes.OnnxRuntimeOptions.
struct OnnxRuntimeOptions {
    std::string execution_provider = "CPUExecutionProvider";
    std::string graph_optimization = "all";
    bool spinning = true;
    bool arena = true;
};

struct LoadSettings {
    std::string artifact_path;
    int threads;
    bool flush_denormals;
    OnnxRuntimeOptions onnxruntime;
};

// Numbers of somebody else's memory, row by row.
struct TensorView {
    ElementType type;
    std::vector<std::int64_t> shape;
    const void* data;
};

// The numbers of one output, as float32.
struct Output {
    std::vector<std::int64_t> shape;
    std::vector<float> numbers;
};
Output output_of(const TensorView& tensor);

// A loaded artifact. Its functions throw Refused where the runtime cannot.
class Network {
public:
    virtual ~Network() = default;
    virtual std::string build() const = 0;
    virtual std::vector<std::string> input_names() const = 0;
    // What every run computes on, in the order of input_names; the memory is the caller's, and stays.
    virtual void set_inputs(const std::vector<TensorView>& inputs) = 0;
    // The only call that is timed.
    virtual void run() = 0;
    virtual std::vector<Output> compute() = 0;
    // Gives its memory back, where the runtime can; nothing of it is called any more. Left out before the
    // process ends: runtimes that crash while they are taken down would turn a good answer into a failure.
    virtual void unload() {}
};

// A network whose runtime writes down what each operator takes, until it is told to stop; that tells
// the path of the trace.
struct ProfiledNetwork {
    std::unique_ptr<Network> network;
    std::function<std::string()> end_profiling;
};

// A runtime's library, loaded into this process.
class Runtime {
public:
    virtual ~Runtime() = default;
    virtual std::string version() const = 0;
    virtual std::string build() const = 0;
    virtual std::vector<std::string> execution_providers() const = 0;
    virtual std::unique_ptr<Network> load(const LoadSettings& settings) = 0;
    // The trace comes into the folder. Throws Refused where the runtime has no profiler that is read here.
    virtual ProfiledNetwork load_profiled(const LoadSettings& settings, const std::string& folder) = 0;
};

// Loads a library; throws Refused where there is none that serves.
std::unique_ptr<Runtime> open_onnxruntime(const std::string& library_path);
std::unique_ptr<Runtime> open_paddlelite(const std::string& shim_path);

}  // namespace edgerank
