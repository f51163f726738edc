// Compiled against the user's own Paddle Lite, see build-shim beside it.
#include "edgerank_paddlelite.h"

#include <paddle_api.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace lite = paddle::lite_api;

struct edgerank_paddlelite_network {
    std::shared_ptr<lite::PaddlePredictor> predictor;
    std::string version;
    std::vector<std::string> input_names, output_names;
    std::unique_ptr<const lite::Tensor> told;
};

namespace {

std::string last_error;

template <typename Work>
int32_t tried(Work work) {
    try {
        work();
        return 1;
    } catch (const std::exception& error) {
        last_error = error.what();
    }
    return 0;
}

const char* name_of(lite::PrecisionType precision) {
    switch (precision) {
        case lite::PrecisionType::kFloat:
            return "float32";
        case lite::PrecisionType::kFP16:
            return "float16";
        case lite::PrecisionType::kFP64:
            return "float64";
        case lite::PrecisionType::kUInt8:
            return "uint8";
        case lite::PrecisionType::kInt8:
            return "int8";
        case lite::PrecisionType::kInt32:
            return "int32";
        case lite::PrecisionType::kInt64:
            return "int64";
        case lite::PrecisionType::kBool:
            return "bool";
        default:
            return "";
    }
}

template <typename T>
void fill(lite::Tensor& tensor, const edgerank_paddlelite_tensor& given, std::size_t count) {
    std::memcpy(tensor.mutable_data<T>(), given.data, count * sizeof(T));
}

void set(lite::Tensor& tensor, const edgerank_paddlelite_tensor& given) {
    std::vector<int64_t> shape(given.shape, given.shape + given.rank);
    std::size_t count = 1;
    for (int64_t size : shape) count *= static_cast<std::size_t>(size);
    tensor.Resize(shape);
    std::string type = given.element_type;
    if (type == "float32") return fill<float>(tensor, given, count);
    if (type == "uint8") return fill<uint8_t>(tensor, given, count);
    if (type == "int32") return fill<int>(tensor, given, count);
    if (type == "int64") return fill<int64_t>(tensor, given, count);
    if (type == "bool") return fill<bool>(tensor, given, count);
    throw std::runtime_error("Paddle Lite takes no input of " + type);
}

const void* numbers_of(const lite::Tensor& tensor) {
    switch (tensor.precision()) {
        case lite::PrecisionType::kFloat:
            return tensor.data<float>();
        case lite::PrecisionType::kUInt8:
            return tensor.data<uint8_t>();
        case lite::PrecisionType::kInt8:
            return tensor.data<int8_t>();
        case lite::PrecisionType::kInt32:
            return tensor.data<int>();
        case lite::PrecisionType::kInt64:
            return tensor.data<int64_t>();
        case lite::PrecisionType::kBool:
            return tensor.data<bool>();
        default:
            throw std::runtime_error("an output is of a kind of number that is not read here");
    }
}

}  // namespace

int32_t edgerank_paddlelite_abi(void) { return EDGERANK_PADDLELITE_ABI; }

const char* edgerank_paddlelite_error(void) { return last_error.c_str(); }

edgerank_paddlelite_network* edgerank_paddlelite_load(const char* artifact_path, int32_t threads) {
    auto network = std::make_unique<edgerank_paddlelite_network>();
    int32_t is_loaded = tried([&] {
        lite::MobileConfig config;
        config.set_model_from_file(artifact_path);
        config.set_threads(threads);
        // Else it binds its threads to cores of its own choice.
        config.set_power_mode(lite::LITE_POWER_NO_BIND);
#if defined(__x86_64__)
        config.set_x86_math_num_threads(threads);
#endif
        network->predictor = lite::CreatePaddlePredictor<lite::MobileConfig>(config);
        if (!network->predictor) throw std::runtime_error("Paddle Lite made no predictor of the file");
        network->version = network->predictor->GetVersion();
        network->input_names = network->predictor->GetInputNames();
        network->output_names = network->predictor->GetOutputNames();
    });
    return is_loaded ? network.release() : nullptr;
}

const char* edgerank_paddlelite_version(edgerank_paddlelite_network* network) { return network->version.c_str(); }

int32_t edgerank_paddlelite_input_count(edgerank_paddlelite_network* network) {
    return static_cast<int32_t>(network->input_names.size());
}

const char* edgerank_paddlelite_input_name(edgerank_paddlelite_network* network, int32_t place) {
    return network->input_names.at(static_cast<std::size_t>(place)).c_str();
}

int32_t edgerank_paddlelite_set_input(edgerank_paddlelite_network* network, int32_t place,
                                      const edgerank_paddlelite_tensor* given) {
    return tried([&] { set(*network->predictor->GetInput(place), *given); });
}

int32_t edgerank_paddlelite_run(edgerank_paddlelite_network* network) {
    return tried([&] { network->predictor->Run(); });
}

int32_t edgerank_paddlelite_output_count(edgerank_paddlelite_network* network) {
    return static_cast<int32_t>(network->output_names.size());
}

int32_t edgerank_paddlelite_output(edgerank_paddlelite_network* network, int32_t place,
                                   edgerank_paddlelite_tensor* told) {
    return tried([&] {
        network->told = network->predictor->GetOutput(place);
        std::vector<int64_t> shape = network->told->shape();
        if (shape.size() > EDGERANK_PADDLELITE_MAX_RANK) throw std::runtime_error("an output has too many axes");
        told->element_type = name_of(network->told->precision());
        told->rank = static_cast<int32_t>(shape.size());
        std::copy(shape.begin(), shape.end(), told->shape);
        told->data = numbers_of(*network->told);
    });
}
