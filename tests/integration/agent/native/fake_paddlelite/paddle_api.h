// A fake: of Paddle Lite's interface what the shim calls, over a library that only adds numbers up.
// The real header is in no package. Against the real library the shim was tried by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paddle {
namespace lite_api {

enum class PrecisionType : int {
    kUnk = 0, kFloat = 1, kInt8 = 2, kInt32 = 3, kAny = 4, kFP16 = 5, kBool = 6, kInt64 = 7, kInt16 = 8, kUInt8 = 9, kFP64 = 10,
};
enum PowerMode { LITE_POWER_HIGH = 0, LITE_POWER_NO_BIND = 3 };

struct Memory {
    std::vector<int64_t> shape;
    std::vector<float> numbers;
};

struct Tensor {
    explicit Tensor(Memory* memory) : memory_(memory) {}
    void Resize(const std::vector<int64_t>& shape) { memory_->shape = shape; }
    template <typename T>
    T* mutable_data() const;
    template <typename T>
    const T* data() const {
        return mutable_data<T>();
    }
    std::vector<int64_t> shape() const { return memory_->shape; }
    PrecisionType precision() const { return PrecisionType::kFloat; }

private:
    Memory* memory_;
};

class PaddlePredictor {
public:
    virtual std::unique_ptr<Tensor> GetInput(int place) = 0;
    virtual std::unique_ptr<const Tensor> GetOutput(int place) const = 0;
    virtual void Run() = 0;
    virtual std::string GetVersion() const = 0;
    virtual std::vector<std::string> GetInputNames() = 0;
    virtual std::vector<std::string> GetOutputNames() = 0;
    virtual ~PaddlePredictor() = default;
};

class MobileConfig {
public:
    void set_model_from_file(const std::string& path) { path_ = path; }
    void set_threads(int threads) { threads_ = threads; }
    void set_power_mode(PowerMode mode) { mode_ = mode; }
    void set_x86_math_num_threads(int) {}
    const std::string& path() const { return path_; }
    int threads() const { return threads_; }
    PowerMode mode() const { return mode_; }

private:
    std::string path_;
    int threads_ = 1;
    PowerMode mode_ = LITE_POWER_HIGH;
};

template <typename Config>
std::shared_ptr<PaddlePredictor> CreatePaddlePredictor(const Config& config);

}  // namespace lite_api
}  // namespace paddle
