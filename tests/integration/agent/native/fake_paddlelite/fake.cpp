// The fake library: of each image the sum of its numbers, and the threads that it was told.
#include <fstream>
#include <stdexcept>

#include "paddle_api.h"

namespace paddle {
namespace lite_api {
namespace {

class Adder final : public PaddlePredictor {
public:
    explicit Adder(int threads) : threads_(threads) {}
    std::unique_ptr<Tensor> GetInput(int) override { return std::make_unique<Tensor>(&input_); }
    std::unique_ptr<const Tensor> GetOutput(int) const override { return std::make_unique<const Tensor>(&output_); }
    void Run() override {
        float sum = 0;
        for (float number : input_.numbers) sum += number;
        output_ = {{1, 2}, {sum, static_cast<float>(threads_)}};
    }
    std::string GetVersion() const override { return "fake"; }
    std::vector<std::string> GetInputNames() override { return {"image"}; }
    std::vector<std::string> GetOutputNames() override { return {"sum"}; }

private:
    int threads_;
    Memory input_;
    mutable Memory output_;
};

}  // namespace

template <>
float* Tensor::mutable_data<float>() const {
    std::size_t count = 1;
    for (int64_t size : memory_->shape) count *= static_cast<std::size_t>(size);
    memory_->numbers.resize(count);
    return memory_->numbers.data();
}

template <>
std::shared_ptr<PaddlePredictor> CreatePaddlePredictor(const MobileConfig& config) {
    std::string word;
    std::ifstream(config.path()) >> word;
    if (word != "adder") throw std::runtime_error("no adder in the file");
    if (config.mode() != LITE_POWER_NO_BIND) throw std::runtime_error("it would bind its threads");
    return std::make_shared<Adder>(config.threads());
}

#define OTHER(type) template <> type* Tensor::mutable_data<type>() const { return nullptr; }
OTHER(uint8_t)
OTHER(int8_t)
OTHER(int)
OTHER(int64_t)
OTHER(bool)

}  // namespace lite_api
}  // namespace paddle
