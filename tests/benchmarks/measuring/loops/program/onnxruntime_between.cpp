#include "onnxruntime_between.hpp"

#include <onnxruntime_c_api.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "runtimes/library.hpp"

namespace {

struct AskedRun {
    OrtSession* session;
    const OrtRunOptions* options;
    const char* const* input_names;
    const OrtValue* const* inputs;
    std::size_t input_count;
    const char* const* output_names;
    std::size_t output_count;
};

std::unique_ptr<edgerank::Library> library;
const OrtApiBase* real_base;
OrtApiBase base;
OrtApi functions;
AskedRun asked;

OrtStatusPtr ORT_API_CALL first_run(OrtSession* session, const OrtRunOptions* options, const char* const* input_names,
                                    const OrtValue* const* inputs, std::size_t input_count,
                                    const char* const* output_names, std::size_t output_count,
                                    OrtValue** outputs) noexcept {
    asked = {session, options, input_names, inputs, input_count, output_names, output_count};
    // It is gone from here on: the runner calls the library itself.
    functions.Run = real_base->GetApi(ORT_API_VERSION)->Run;
    return functions.Run(session, options, input_names, inputs, input_count, output_names, output_count, outputs);
}

const OrtApi* ORT_API_CALL api(std::uint32_t version) noexcept {
    const OrtApi* real = real_base->GetApi(version);
    if (version != ORT_API_VERSION || real == nullptr) return nullptr;
    functions = *real;
    functions.Run = first_run;
    return &functions;
}

}  // namespace

namespace edgerank {

void stand_before_onnxruntime(const std::string& library_path) {
    library = std::make_unique<Library>(library_path);
    real_base = library->function<const OrtApiBase*()>("OrtGetApiBase")();
    base = {api, real_base->GetVersionString};
}

}  // namespace edgerank

extern "C" const OrtApiBase* ORT_API_CALL OrtGetApiBase() noexcept { return &base; }

extern "C" void edgerank_bare_loop(std::int64_t runs) {
    std::vector<OrtValue*> outputs(asked.output_count);
    for (std::int64_t run = 0; run < runs; ++run) {
        for (OrtValue*& output : outputs) output = nullptr;
        OrtStatus* status = functions.Run(asked.session, asked.options, asked.input_names, asked.inputs,
                                          asked.input_count, asked.output_names, asked.output_count, outputs.data());
        if (status != nullptr) {
            std::fprintf(stderr, "%s\n", functions.GetErrorMessage(status));
            std::abort();
        }
        for (OrtValue* output : outputs) functions.ReleaseValue(output);
    }
}
