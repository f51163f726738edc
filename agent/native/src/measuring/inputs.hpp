// What the network is given: bytes that the agent wrote into files, see agent/measuring/native/given.py.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "talk/request.hpp"

namespace edgerank {

// The images and the constants of one inference, in this process's memory.
class GivenInputs {
public:
    // Reads all of them from a file; throws Refused where it has other bytes than the request says.
    GivenInputs(const std::vector<TakenInput>& inputs, const std::string& path);
    // In the order of the network's inputs; throws Refused where the artifact has others.
    std::vector<TensorView> for_names(const std::vector<std::string>& names) const;
    std::vector<char>& images() { return bytes_.front(); }

private:
    std::vector<TakenInput> inputs_;
    std::vector<std::vector<char>> bytes_;
};

// A file whose bytes are taken one after the other.
class ByteFile {
public:
    // Throws Refused where it cannot be opened.
    explicit ByteFile(const std::string& path);
    ~ByteFile();
    ByteFile(const ByteFile&) = delete;
    ByteFile& operator=(const ByteFile&) = delete;
    // Fills the buffer; throws Refused where the file ends before.
    void read(void* buffer, std::size_t size);
    // The first line, without its end, and of at most so many bytes.
    std::string read_line(std::size_t most);
    bool at_end();

private:
    std::string path_;
    std::FILE* file_;
};

}  // namespace edgerank
