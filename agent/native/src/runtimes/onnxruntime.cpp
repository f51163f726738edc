// ONNX Runtime's C API.
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <map>

#include "runtimes/library.hpp"
#include "runtimes/network.hpp"
#include "talk/lines.hpp"

namespace edgerank {
namespace {

const std::string cpu_provider = "CPUExecutionProvider";
// It is in every build, but sends what it is given to a service elsewhere.
// The oldest table of functions that has all of those below: ONNX Runtime 1.16.
constexpr std::uint32_t oldest_api = 16;

struct Api {
    const OrtApi* functions;
    void check(OrtStatus* status) const {
        if (status == nullptr) return;
        std::string words = functions->GetErrorMessage(status);
        functions->ReleaseStatus(status);
        words.erase(std::find(words.begin(), words.end(), '\n'), words.end());
        throw Refused(runtime_error_code, "ONNX Runtime refused: " + words);
    }
};

ElementType type_of(ONNXTensorElementDataType type) {
    switch (type) {
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
            return ElementType::float32;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
            return ElementType::float16;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
            return ElementType::float64;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
            return ElementType::uint8;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
            return ElementType::int8;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
            return ElementType::int32;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
            return ElementType::int64;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
            return ElementType::boolean;
        default:
            throw Refused(runtime_error_code, "an output is of a kind of number that is not read here");
    }
}

ONNXTensorElementDataType onnx_type_of(ElementType type) {
    switch (type) {
        case ElementType::float32:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
        case ElementType::float16:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
        case ElementType::float64:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
        case ElementType::uint8:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
        case ElementType::int8:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
        case ElementType::int32:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
        case ElementType::int64:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
        case ElementType::boolean:
            return ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL;
    }
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

std::vector<std::string> names_of(const Api& api, OrtSession* session, bool of_inputs) {
    OrtAllocator* allocator = nullptr;
    api.check(api.functions->GetAllocatorWithDefaultOptions(&allocator));
    std::size_t count = 0;
    api.check(of_inputs ? api.functions->SessionGetInputCount(session, &count)
                        : api.functions->SessionGetOutputCount(session, &count));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        char* name = nullptr;
        api.check(of_inputs ? api.functions->SessionGetInputName(session, i, allocator, &name)
                            : api.functions->SessionGetOutputName(session, i, allocator, &name));
        names.emplace_back(name);
        api.check(api.functions->AllocatorFree(allocator, name));
    }
    return names;
}

std::vector<const char*> pointers_to(const std::vector<std::string>& names) {
    std::vector<const char*> pointers;
    for (const std::string& name : names) pointers.push_back(name.c_str());
    return pointers;
}

class OnnxNetwork final : public Network {
public:
    OnnxNetwork(Api api, OrtSession* session, std::string build)
        : api_(api),
          session_(session),
          build_(std::move(build)),
          inputs_(names_of(api, session, true)),
          outputs_(names_of(api, session, false)),
          input_pointers_(pointers_to(inputs_)),
          output_pointers_(pointers_to(outputs_)) {}

    std::string build() const override { return build_; }
    std::vector<std::string> input_names() const override { return inputs_; }

    void set_inputs(const std::vector<TensorView>& inputs) override {
        OrtMemoryInfo* memory = nullptr;
        api_.check(api_.functions->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
        release(fed_);
        for (const TensorView& each : inputs) {
            OrtValue* value = nullptr;
            api_.check(api_.functions->CreateTensorWithDataAsOrtValue(
                memory, const_cast<void*>(each.data), count_of(each.shape) * size_of(each.type),
                each.shape.data(), each.shape.size(), onnx_type_of(each.type), &value));
            fed_.push_back(value);
        }
        api_.functions->ReleaseMemoryInfo(memory);
    }

    void run() override {
        std::vector<OrtValue*> given = computed();
        release(given);
    }

    std::vector<Output> compute() override {
        std::vector<OrtValue*> given = computed();
        std::vector<Output> outputs;
        for (OrtValue* each : given) outputs.push_back(output_of(view_of(each)));
        release(given);
        return outputs;
    }

    void unload() override {
        release(fed_);
        api_.functions->ReleaseSession(session_);
        session_ = nullptr;
    }

    std::string end_profiling() {
        OrtAllocator* allocator = nullptr;
        char* name = nullptr;
        api_.check(api_.functions->GetAllocatorWithDefaultOptions(&allocator));
        api_.check(api_.functions->SessionEndProfiling(session_, allocator, &name));
        std::string path = name;
        api_.check(api_.functions->AllocatorFree(allocator, name));
        return path;
    }

private:
    std::vector<OrtValue*> computed() {
        std::vector<OrtValue*> given(outputs_.size(), nullptr);
        api_.check(api_.functions->Run(session_, nullptr, input_pointers_.data(), fed_.data(), fed_.size(),
                                       output_pointers_.data(), given.size(), given.data()));
        return given;
    }

    TensorView view_of(OrtValue* value) const {
        OrtTensorTypeAndShapeInfo* info = nullptr;
        api_.check(api_.functions->GetTensorTypeAndShape(value, &info));
        std::size_t rank = 0;
        ONNXTensorElementDataType type{};
        api_.check(api_.functions->GetDimensionsCount(info, &rank));
        api_.check(api_.functions->GetTensorElementType(info, &type));
        TensorView view{type_of(type), std::vector<std::int64_t>(rank), nullptr};
        api_.check(api_.functions->GetDimensions(info, view.shape.data(), rank));
        api_.functions->ReleaseTensorTypeAndShapeInfo(info);
        void* data = nullptr;
        api_.check(api_.functions->GetTensorMutableData(value, &data));
        view.data = data;
        return view;
    }

    void release(std::vector<OrtValue*>& values) {
        for (OrtValue* each : values)
            if (each != nullptr) api_.functions->ReleaseValue(each);
        values.clear();
    }

    Api api_;
    OrtSession* session_;
    std::string build_;
    std::vector<std::string> inputs_, outputs_;
    std::vector<const char*> input_pointers_, output_pointers_;
    std::vector<OrtValue*> fed_;
};

class OnnxRuntime final : public Runtime {
public:
    explicit OnnxRuntime(const std::string& path) : library_(path), base_(base()), api_{newest_api()} {
        api_.check(api_.functions->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "edgerank", &environment_));
    }

    std::string version() const override { return base_->GetVersionString(); }

    std::string build() const override {
        const std::string prefix = "ORT Build Info: ";
        std::string told = api_.functions->GetBuildInfoString();
        return told.rfind(prefix, 0) == 0 ? told.substr(prefix.size()) : told;
    }

    std::vector<std::string> execution_providers() const override {
        char** names = nullptr;
        int count = 0;
        api_.check(api_.functions->GetAvailableProviders(&names, &count));
        std::vector<std::string> providers(names, names + count);
        api_.check(api_.functions->ReleaseAvailableProviders(names, count));
        // Those that the runner would not ask for get no jobs.
        auto is_unknown = [](const std::string& each) { return each != cpu_provider && !named_providers().count(each); };
        providers.erase(std::remove_if(providers.begin(), providers.end(), is_unknown), providers.end());
        return providers;
    }

    std::unique_ptr<Network> load(const LoadSettings& settings) override {
        return loaded(settings, options_of(settings));
    }

    ProfiledNetwork load_profiled(const LoadSettings& settings, const std::string& folder) override {
        OrtSessionOptions* options = options_of(settings);
        api_.check(api_.functions->EnableProfiling(options, (folder + "/trace").c_str()));
        std::unique_ptr<OnnxNetwork> network = loaded(settings, options);
        OnnxNetwork* writes = network.get();
        return {std::move(network), [writes] { return writes->end_profiling(); }};
    }

private:
    std::unique_ptr<OnnxNetwork> loaded(const LoadSettings& settings, OrtSessionOptions* options) const {
        OrtSession* session = nullptr;
        api_.check(api_.functions->CreateSession(environment_, settings.artifact_path.c_str(), options, &session));
        api_.functions->ReleaseSessionOptions(options);
        return std::make_unique<OnnxNetwork>(api_, session, build());
    }

    const OrtApiBase* base() const { return library_.function<const OrtApiBase*()>("OrtGetApiBase")(); }

    const OrtApi* newest_api() const {
        // A newer library has every older table; an older one knows no newer.
        for (std::uint32_t version = ORT_API_VERSION; version >= oldest_api; --version)
            if (const OrtApi* api = base_->GetApi(version)) return api;
        throw Refused(no_runtime_code, std::string("ONNX Runtime ") + base_->GetVersionString() +
                                           " is older than 1.16: give the runner a newer library");
    }

    OrtSessionOptions* options_of(const LoadSettings& settings) const {
        static const std::map<std::string, GraphOptimizationLevel> levels = {
            {"disabled", ORT_DISABLE_ALL},
            {"basic", ORT_ENABLE_BASIC},
            {"extended", ORT_ENABLE_EXTENDED},
            {"all", ORT_ENABLE_ALL},
        };
        const OnnxRuntimeOptions& wanted = settings.onnxruntime;
        const OrtApi& ort = *api_.functions;
        OrtSessionOptions* options = nullptr;
        api_.check(ort.CreateSessionOptions(&options));
        // Named, this number also keeps it from binding its threads to cores of its own choice.
        api_.check(ort.SetIntraOpNumThreads(options, settings.threads));
        api_.check(ort.SetInterOpNumThreads(options, 1));
        api_.check(ort.SetSessionExecutionMode(options, ORT_SEQUENTIAL));
        api_.check(ort.SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_ERROR));
        api_.check(ort.SetSessionGraphOptimizationLevel(options, levels.at(wanted.graph_optimization)));
        api_.check(wanted.arena ? ort.EnableCpuMemArena(options) : ort.DisableCpuMemArena(options));
        api_.check(ort.AddSessionConfigEntry(options, "session.intra_op.allow_spinning", wanted.spinning ? "1" : "0"));
        api_.check(ort.AddSessionConfigEntry(options, "session.set_denormal_as_zero", settings.flush_denormals ? "1" : "0"));
        if (wanted.execution_provider != cpu_provider) add_provider(options, wanted.execution_provider, settings.threads);
        return options;
    }

    // Providers that the C API takes by name; others need options that only their own headers know.
    static const std::map<std::string, std::pair<const char*, const char*>>& named_providers() {
        static const std::map<std::string, std::pair<const char*, const char*>> named = {
            {"XnnpackExecutionProvider", {"XNNPACK", "intra_op_num_threads"}},
            {"OpenVINOExecutionProvider", {"OpenVINO", "num_of_threads"}},
        };
        return named;
    }

    void add_provider(OrtSessionOptions* options, const std::string& provider, int threads) const {
        auto found = named_providers().find(provider);
        if (found == named_providers().end())
            throw Refused(runtime_error_code, "the native runner does not ask for " + provider + "; measure on the CPU");
        const std::string count = std::to_string(threads);
        const char* key = found->second.second;
        const char* value = count.c_str();
        api_.check(api_.functions->SessionOptionsAppendExecutionProvider(options, found->second.first, &key, &value, 1));
    }

    Library library_;
    const OrtApiBase* base_;
    Api api_;
    OrtEnv* environment_ = nullptr;
};

}  // namespace

std::unique_ptr<Runtime> open_onnxruntime(const std::string& library_path) {
    return std::make_unique<OnnxRuntime>(library_path);
}

}  // namespace edgerank
