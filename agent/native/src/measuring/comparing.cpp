#include "measuring/comparing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "talk/lines.hpp"

namespace edgerank {
namespace {

constexpr std::size_t reference_inputs = 4;
constexpr std::size_t max_head_bytes = 1024 * 1024;
constexpr double telling_apart = 0.01;
constexpr double infinity = std::numeric_limits<double>::infinity();

using Numbers = std::vector<float>;

struct Answer {
    bool has_wanted_shapes;
    std::vector<Numbers> kept;
    std::size_t nonfinite, count;
};

double largest_of(const Numbers& numbers) {
    double largest = 0;
    for (float number : numbers) largest = std::max(largest, static_cast<double>(std::abs(number)));
    return largest;
}

bool all_finite(const Numbers& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); });
}

// The size of a reference, that of scores at least the least one.
double scale_of(const Numbers& reference, double size, double least_score) {
    bool are_scores = std::all_of(reference.begin(), reference.end(), [](float number) { return number >= 0 && number <= 1; });
    return are_scores ? std::max(size, least_score) : size;
}

double largest_difference(const Numbers& ours, const Numbers& theirs, double least_score) {
    double scale = scale_of(theirs, largest_of(theirs), least_score), largest = 0;
    if (!all_finite(ours) || scale == 0) return infinity;
    for (std::size_t i = 0; i < ours.size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])));
    return largest / scale;
}

double l2_difference(const Numbers& ours, const Numbers& theirs, double least_score) {
    if (!all_finite(ours)) return infinity;
    double of_difference = 0, of_reference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        double wanted = theirs[i], difference = static_cast<double>(ours[i]) - wanted;
        of_difference += difference * difference;
        of_reference += wanted * wanted;
    }
    double scale = scale_of(theirs, std::sqrt(of_reference), least_score);
    return scale == 0 ? infinity : std::sqrt(of_difference) / scale;
}

// The worst over inputs and outputs; null where one cannot be said.
template <typename Difference>
Json worst(Difference difference, const std::vector<Answer>& answers, const ReferenceOutputs& reference) {
    double largest = 0;
    for (std::size_t output = 0; output < reference.kept.size(); ++output)
        for (std::size_t input = 0; input < answers.size(); ++input)
            largest = std::max(largest, difference(answers[input].kept[output], reference.kept[output][input],
                                                   reference.least_score));
    return std::isfinite(largest) ? Json(largest) : Json();
}

std::ptrdiff_t place_of_largest(Numbers::const_iterator begin, std::ptrdiff_t width) {
    // As NumPy's argmax: the first of several, and not a number is the largest.
    auto not_a_number = std::find_if(begin, begin + width, [](float number) { return std::isnan(number); });
    if (not_a_number != begin + width) return not_a_number - begin;
    return std::max_element(begin, begin + width) - begin;
}

Json top1(const std::vector<Answer>& answers, const ReferenceOutputs& reference) {
    const std::vector<std::int64_t>& shape = reference.shapes.front();
    if (reference.step > 1 || shape.empty() || shape.back() < 2) return {};
    auto width = static_cast<std::ptrdiff_t>(shape.back());
    std::size_t agreed = 0, count = 0;
    for (std::size_t input = 0; input < answers.size(); ++input) {
        const Numbers &ours = answers[input].kept.front(), &theirs = reference.kept.front()[input];
        for (auto row = std::ptrdiff_t{0}; row < static_cast<std::ptrdiff_t>(ours.size()); row += width, ++count)
            agreed += place_of_largest(ours.begin() + row, width) == place_of_largest(theirs.begin() + row, width);
    }
    return static_cast<double>(agreed) / static_cast<double>(count);
}

// Whether all inputs give the same, of which the reference tells some apart.
bool is_constant(const std::vector<Answer>& answers, const std::vector<Numbers>& wanted, std::size_t output) {
    double apart = 0, largest = 0;
    for (std::size_t input = 0; input < answers.size(); ++input) {
        if (answers[input].kept[output] != answers.front().kept[output]) return false;
        largest = std::max(largest, largest_of(wanted[input]));
        for (std::size_t i = 0; i < wanted[input].size(); ++i)
            apart = std::max(apart, static_cast<double>(std::abs(wanted[input][i] - wanted.front()[i])));
    }
    return apart > telling_apart * largest;
}

Answer answer_of(const std::vector<Output>& outputs, const ReferenceOutputs& reference) {
    Answer answer{outputs.size() == reference.shapes.size(), {}, 0, 0};
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Numbers& numbers = outputs[i].numbers;
        answer.has_wanted_shapes = answer.has_wanted_shapes && outputs[i].shape == reference.shapes[i];
        answer.count += numbers.size();
        answer.nonfinite += static_cast<std::size_t>(
            std::count_if(numbers.begin(), numbers.end(), [](float number) { return !std::isfinite(number); }));
        Numbers kept;
        for (std::size_t place = 0; place < numbers.size(); place += reference.step) kept.push_back(numbers[place]);
        answer.kept.push_back(std::move(kept));
    }
    return answer;
}

Json compare(const std::vector<Answer>& answers, const ReferenceOutputs& reference) {
    std::size_t nonfinite = 0, count = 0;
    bool same_shapes = true, constant = false;
    for (const Answer& answer : answers) {
        nonfinite += answer.nonfinite;
        count += answer.count;
        same_shapes = same_shapes && answer.has_wanted_shapes;
    }
    Json check = {{"input_count", answers.size()},
                  {"max_relative_difference", nullptr},
                  {"l2_relative_difference", nullptr},
                  {"top1_agreement", nullptr},
                  {"nonfinite_share", count == 0 ? 0.0 : static_cast<double>(nonfinite) / static_cast<double>(count)},
                  {"is_constant", false},
                  {"is_other_shape", !same_shapes}};
    if (!same_shapes) return check;
    for (std::size_t output = 0; output < reference.kept.size(); ++output)
        constant = constant || is_constant(answers, reference.kept[output], output);
    check["max_relative_difference"] = worst(largest_difference, answers, reference);
    check["l2_relative_difference"] = worst(l2_difference, answers, reference);
    check["top1_agreement"] = top1(answers, reference);
    check["is_constant"] = constant;
    return check;
}

}  // namespace

std::optional<ReferenceOutputs> read_reference(const std::string& path) {
    ByteFile file(path);
    try {
        Json head = Json::parse(file.read_line(max_head_bytes));
        if (head.at("version") != 1) return std::nullopt;
        ReferenceOutputs reference{head.at("shapes").get<std::vector<std::vector<std::int64_t>>>(),
                                   head.at("step").get<std::size_t>(), head.at("least_score").get<double>(), {}};
        if (reference.step < 1 || reference.shapes.empty()) return std::nullopt;
        for (const auto& shape : reference.shapes) {
            std::size_t length = (count_of(shape) + reference.step - 1) / reference.step;
            std::vector<Numbers> of_inputs(reference_inputs, Numbers(length));
            for (Numbers& numbers : of_inputs) file.read(numbers.data(), length * sizeof(float));
            reference.kept.push_back(std::move(of_inputs));
        }
        return file.at_end() ? std::optional(std::move(reference)) : std::nullopt;
    } catch (const Json::exception&) {
        return std::nullopt;
    } catch (const Refused&) {
        return std::nullopt;
    }
}

Json check_outputs(Network& network, GivenInputs& inputs, const std::string& reference_path,
                   const std::string& reference_inputs_path) {
    std::optional<ReferenceOutputs> reference = read_reference(reference_path);
    if (!reference) return {};
    for (const auto& output : reference->kept)
        for (const Numbers& of_input : output)
            if (largest_of(of_input) == 0) return {};
    ByteFile file(reference_inputs_path);
    std::vector<Answer> answers;
    for (std::size_t input = 0; input < reference_inputs; ++input) {
        file.read(inputs.images().data(), inputs.images().size());
        network.set_inputs(inputs.for_names(network.input_names()));
        answers.push_back(answer_of(network.compute(), *reference));
    }
    return compare(answers, *reference);
}

}  // namespace edgerank
