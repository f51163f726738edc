#include "runtimes/network.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace edgerank {
namespace {

// IEEE 754 binary16.
float from_half(std::uint16_t half) {
    int exponent = (half >> 10) & 0x1f;
    float fraction = static_cast<float>(half & 0x3ff);
    float size = exponent == 0    ? std::ldexp(fraction, -24)
                 : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                  : std::ldexp(fraction + 1024, exponent - 25);
    return half & 0x8000 ? -size : size;
}

template <typename T, typename Convert>
void convert(const void* data, std::vector<float>& numbers, Convert to_float) {
    const auto* from = static_cast<const T*>(data);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = to_float(from[i]);
}

template <typename T>
void convert(const void* data, std::vector<float>& numbers) {
    convert<T>(data, numbers, [](T number) { return static_cast<float>(number); });
}

}  // namespace

ElementType element_type_named(const std::string& name) {
    if (name == "float32") return ElementType::float32;
    if (name == "float16") return ElementType::float16;
    if (name == "uint8") return ElementType::uint8;
    if (name == "int32") return ElementType::int32;
    if (name == "int64") return ElementType::int64;
    if (name == "bool") return ElementType::boolean;
    throw std::invalid_argument(name + " is no kind of number that is known here");
}

std::size_t size_of(ElementType type) {
    switch (type) {
        case ElementType::float64:
        case ElementType::int64:
            return 8;
        case ElementType::float32:
        case ElementType::int32:
            return 4;
        case ElementType::float16:
            return 2;
        default:
            return 1;
    }
}

std::size_t count_of(const std::vector<std::int64_t>& shape) {
    std::size_t count = 1;
    for (std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    return count;
}

Output output_of(const TensorView& tensor) {
    Output output{tensor.shape, std::vector<float>(count_of(tensor.shape))};
    switch (tensor.type) {
        case ElementType::float32:
            if (!output.numbers.empty())
                std::memcpy(output.numbers.data(), tensor.data, output.numbers.size() * sizeof(float));
            break;
        case ElementType::float16:
            convert<std::uint16_t>(tensor.data, output.numbers, from_half);
            break;
        case ElementType::float64:
            convert<double>(tensor.data, output.numbers);
            break;
        case ElementType::int64:
            convert<std::int64_t>(tensor.data, output.numbers);
            break;
        case ElementType::int32:
            convert<std::int32_t>(tensor.data, output.numbers);
            break;
        case ElementType::int8:
            convert<std::int8_t>(tensor.data, output.numbers);
            break;
        case ElementType::uint8:
        case ElementType::boolean:
            convert<std::uint8_t>(tensor.data, output.numbers);
            break;
    }
    return output;
}

}  // namespace edgerank
