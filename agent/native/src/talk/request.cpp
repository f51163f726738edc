#include "talk/request.hpp"

#include "talk/json.hpp"

namespace edgerank {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;

template <typename T>
std::optional<T> optional_of(const Json& document, const char* name) {
    auto found = document.find(name);
    if (found == document.end() || found->is_null()) return std::nullopt;
    return found->get<T>();
}

std::vector<TakenInput> inputs_of(const Json& takes) {
    const Json& kind = takes.at("kind");
    const Json& size = takes.at("size");
    std::int64_t batch = takes.at("batch"), channels = kind.at("channels");
    std::int64_t height = size.at("height"), width = size.at("width");
    bool channels_first = kind.at("layout") == "NCHW";
    std::vector<TakenInput> inputs;
    inputs.push_back({"", element_type_named(kind.at("element_type")),
                      channels_first ? std::vector<std::int64_t>{batch, channels, height, width}
                                     : std::vector<std::int64_t>{batch, height, width, channels}});
    for (const Json& constant : kind.at("constants")) {
        auto shape = constant.at("shape").get<std::vector<std::int64_t>>();
        if (constant.at("for_each_image").get<bool>()) shape.insert(shape.begin(), batch);
        inputs.push_back({constant.at("name"), element_type_named(constant.at("element_type")), shape});
    }
    return inputs;
}

OnnxRuntimeOptions onnxruntime_of(const Json& asked) {
    auto found = asked.find("onnxruntime");
    if (found == asked.end() || found->is_null()) return {};
    return {found->at("execution_provider"), found->at("graph_optimization"), found->at("spinning"),
            found->at("arena")};
}

LoadSettings load_of(const Json& asked) {
    return {asked.at("artifact_path"), asked.at("threads"), asked.at("flush_denormals"), onnxruntime_of(asked)};
}

Profiling profiling_of(const Json& asked) { return {load_of(asked), asked.at("run_count"), asked.at("folder")}; }

Sampling sampling_of(const Json& asked) {
    return {
        load_of(asked),
        asked.at("relative_half_width"),
        asked.at("time_budget_ms").get<std::int64_t>() * ns_per_ms,
        asked.at("process_spread"),
        asked.at("windows"),
        asked.at("window_ms").get<std::int64_t>() * ns_per_ms,
        asked.value("paced_fps", 0.0),
        asked.value("paced_ms", std::int64_t{0}) * ns_per_ms,
        optional_of<std::string>(asked, "reference_path"),
        optional_of<std::string>(asked, "trace_folder"),
    };
}

}  // namespace

Request read_request(const std::string& text) {
    const Json document = Json::parse(text);
    Request request{
        document.at("parent_pid"),
        document.at("memory_limit_bytes"),
        document.at("runtime"),
        document.at("cores").get<std::vector<int>>(),
        inputs_of(document.at("takes")),
        std::nullopt,
        std::nullopt,
        std::nullopt,
        std::nullopt,
    };
    if (auto found = document.find("profiling"); found != document.end() && !found->is_null())
        request.profiling = profiling_of(*found);
    if (const Json& sampling = document.at("sampling"); !sampling.is_null())
        request.sampling = sampling_of(sampling);
    if (document.contains("given") && !document.at("given").is_null()) {
        request.inputs_path = document.at("given").at("inputs_path").get<std::string>();
        request.reference_inputs_path =
            optional_of<std::string>(document.at("given"), "reference_inputs_path");
    }
    return request;
}

}  // namespace edgerank
