#include "kernel/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace edgerank {

std::optional<std::string> read_text(const std::string& path) {
    int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::string text;
    char buffer[16384];
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(count));
    close(file);
    if (count < 0) return std::nullopt;
    return text;
}

std::string read_word(const std::string& path) {
    std::string text = read_text(path).value_or("");
    text.erase(std::find(text.begin(), text.end(), '\n'), text.end());
    std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

bool write_text(const std::string& path, const std::string& text) {
    int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return close(file) == 0 && written;
}

std::vector<int> numbers_in(const std::string& folder, const std::string& prefix) {
    std::vector<int> numbers;
    DIR* entries = opendir(folder.c_str());
    if (entries == nullptr) return numbers;
    while (dirent* entry = readdir(entries)) {
        std::string name = entry->d_name;
        if (name.rfind(prefix, 0) != 0 || name.size() == prefix.size()) continue;
        char* end = nullptr;
        long number = std::strtol(name.c_str() + prefix.size(), &end, 10);
        if (*end == '\0' && number >= 0) numbers.push_back(static_cast<int>(number));
    }
    closedir(entries);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

}  // namespace edgerank
