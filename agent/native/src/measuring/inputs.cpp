#include "measuring/inputs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "talk/lines.hpp"

namespace edgerank {

GivenInputs::GivenInputs(const std::vector<TakenInput>& inputs, const std::string& path) : inputs_(inputs) {
    ByteFile file(path);
    for (const TakenInput& input : inputs_) {
        bytes_.emplace_back(input.bytes());
        file.read(bytes_.back().data(), bytes_.back().size());
    }
    if (!file.at_end())
        throw Refused(runtime_error_code, "the file of inputs is longer than the network's inputs are: " + path);
}

std::vector<TensorView> GivenInputs::for_names(const std::vector<std::string>& names) const {
    std::vector<TensorView> views;
    std::size_t image_count = 0;
    for (const std::string& name : names) {
        auto constant = std::find_if(inputs_.begin() + 1, inputs_.end(),
                                     [&name](const TakenInput& input) { return input.name == name; });
        std::size_t place = constant == inputs_.end() ? 0 : static_cast<std::size_t>(constant - inputs_.begin());
        if (place == 0) ++image_count;
        views.push_back({inputs_[place].type, inputs_[place].shape, bytes_[place].data()});
    }
    if (image_count == 1 && names.size() == inputs_.size()) return views;
    std::string has, given;
    for (const std::string& name : names) has += (has.empty() ? "" : ", ") + name;
    for (std::size_t place = 1; place < inputs_.size(); ++place)
        given += (given.empty() ? "" : ", ") + inputs_[place].name;
    throw Refused(runtime_error_code, "the artifact has the inputs " + has + ", and is to be given images and " +
                                          (given.empty() ? "nothing else" : given));
}

ByteFile::ByteFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rbe")) {
    if (file_ == nullptr) throw Refused(runtime_error_code, path + " cannot be read: " + std::strerror(errno));
}

ByteFile::~ByteFile() { std::fclose(file_); }

void ByteFile::read(void* buffer, std::size_t size) {
    if (std::fread(buffer, 1, size, file_) != size)
        throw Refused(runtime_error_code, path_ + " ends before it should; send it to the device again");
}

std::string ByteFile::read_line(std::size_t most) {
    std::string line;
    for (int letter; line.size() < most && (letter = std::fgetc(file_)) != EOF && letter != '\n';)
        line += static_cast<char>(letter);
    return line;
}

bool ByteFile::at_end() { return std::fgetc(file_) == EOF; }

}  // namespace edgerank
