// Paddle Lite, through the shim that is compiled against the user's own library.
#include <edgerank_paddlelite.h>

#include "runtimes/library.hpp"
#include "runtimes/network.hpp"
#include "talk/lines.hpp"

namespace edgerank {
namespace {

struct Shim {
    explicit Shim(const std::string& path)
        : library(path),
          abi(library.function<decltype(edgerank_paddlelite_abi)>("edgerank_paddlelite_abi")),
          error(library.function<decltype(edgerank_paddlelite_error)>("edgerank_paddlelite_error")),
          load(library.function<decltype(edgerank_paddlelite_load)>("edgerank_paddlelite_load")),
          version(library.function<decltype(edgerank_paddlelite_version)>("edgerank_paddlelite_version")),
          input_count(library.function<decltype(edgerank_paddlelite_input_count)>("edgerank_paddlelite_input_count")),
          input_name(library.function<decltype(edgerank_paddlelite_input_name)>("edgerank_paddlelite_input_name")),
          set_input(library.function<decltype(edgerank_paddlelite_set_input)>("edgerank_paddlelite_set_input")),
          run(library.function<decltype(edgerank_paddlelite_run)>("edgerank_paddlelite_run")),
          output_count(library.function<decltype(edgerank_paddlelite_output_count)>("edgerank_paddlelite_output_count")),
          output(library.function<decltype(edgerank_paddlelite_output)>("edgerank_paddlelite_output")) {
        if (abi() != EDGERANK_PADDLELITE_ABI)
            throw Refused(no_runtime_code, path + " is the shim of another version of the runner: build it again");
    }

    void check(bool succeeded) const {
        if (!succeeded) throw Refused(runtime_error_code, std::string("Paddle Lite refused: ") + error());
    }

    Library library;
    decltype(edgerank_paddlelite_abi)* abi;
    decltype(edgerank_paddlelite_error)* error;
    decltype(edgerank_paddlelite_load)* load;
    decltype(edgerank_paddlelite_version)* version;
    decltype(edgerank_paddlelite_input_count)* input_count;
    decltype(edgerank_paddlelite_input_name)* input_name;
    decltype(edgerank_paddlelite_set_input)* set_input;
    decltype(edgerank_paddlelite_run)* run;
    decltype(edgerank_paddlelite_output_count)* output_count;
    decltype(edgerank_paddlelite_output)* output;
};

const char* name_of(ElementType type) {
    switch (type) {
        case ElementType::float32:
            return "float32";
        case ElementType::float16:
            return "float16";
        case ElementType::float64:
            return "float64";
        case ElementType::uint8:
            return "uint8";
        case ElementType::int8:
            return "int8";
        case ElementType::int32:
            return "int32";
        case ElementType::int64:
            return "int64";
        case ElementType::boolean:
            return "bool";
    }
    return "";
}

ElementType type_named(const std::string& name) {
    if (name == "float64") return ElementType::float64;
    if (name == "int8") return ElementType::int8;
    return element_type_named(name);
}

class PaddleLiteNetwork final : public Network {
public:
    PaddleLiteNetwork(const Shim& shim, edgerank_paddlelite_network* network) : shim_(shim), network_(network) {}

    std::string build() const override { return shim_.version(network_); }

    std::vector<std::string> input_names() const override {
        std::vector<std::string> names;
        for (int32_t place = 0; place < shim_.input_count(network_); ++place)
            names.emplace_back(shim_.input_name(network_, place));
        return names;
    }

    void set_inputs(const std::vector<TensorView>& inputs) override {
        for (std::size_t place = 0; place < inputs.size(); ++place) {
            const TensorView& input = inputs[place];
            edgerank_paddlelite_tensor given{name_of(input.type), static_cast<int32_t>(input.shape.size()), {}, input.data};
            for (std::size_t axis = 0; axis < input.shape.size(); ++axis) given.shape[axis] = input.shape[axis];
            shim_.check(shim_.set_input(network_, static_cast<int32_t>(place), &given));
        }
    }

    void run() override { shim_.check(shim_.run(network_)); }

    std::vector<Output> compute() override {
        run();
        std::vector<Output> outputs;
        for (int32_t place = 0; place < shim_.output_count(network_); ++place) {
            edgerank_paddlelite_tensor told{};
            shim_.check(shim_.output(network_, place, &told));
            outputs.push_back(output_of({type_named(told.element_type), {told.shape, told.shape + told.rank}, told.data}));
        }
        return outputs;
    }

private:
    const Shim& shim_;
    edgerank_paddlelite_network* network_;
};

class PaddleLite final : public Runtime {
public:
    explicit PaddleLite(const std::string& path) : shim_(path) {}

    // Paddle Lite says its version of a loaded network only.
    std::string version() const override { return version_; }
    std::string build() const override { return ""; }
    std::vector<std::string> execution_providers() const override { return {}; }

    std::unique_ptr<Network> load(const LoadSettings& settings) override {
        edgerank_paddlelite_network* network = shim_.load(settings.artifact_path.c_str(), settings.threads);
        shim_.check(network != nullptr);
        version_ = shim_.version(network);
        return std::make_unique<PaddleLiteNetwork>(shim_, network);
    }

    ProfiledNetwork load_profiled(const LoadSettings&, const std::string&) override {
        throw Refused(runtime_error_code, "no profiler of Paddle Lite is read here; profile with onnxruntime");
    }

private:
    Shim shim_;
    std::string version_;
};

}  // namespace

std::unique_ptr<Runtime> open_paddlelite(const std::string& shim_path) {
    return std::make_unique<PaddleLite>(shim_path);
}

}  // namespace edgerank
