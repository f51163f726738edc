#include "talk/lines.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

namespace edgerank {

Lines::Lines() : pipe_(dup(STDOUT_FILENO)) { dup2(STDERR_FILENO, STDOUT_FILENO); }

void Lines::phase(const char* name) const { answer("phase", name); }

void Lines::answer(const char* kind, const Json& document) const {
    // What a library says need not be UTF-8.
    std::string line = std::string(kind) + " " +
                       document.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    for (std::size_t written = 0; written < line.size();) {
        ssize_t count = write(pipe_, line.data() + written, line.size() - written);
        if (count < 0 && errno != EINTR) return;  // whoever asked is gone
        if (count > 0) written += static_cast<std::size_t>(count);
    }
}

void Lines::refuse(const Refused& refused) const {
    bool no_memory = refused.code == runtime_error_code && tells_of_no_memory(refused.what());
    Json reason = {{"code", no_memory ? out_of_memory_code : refused.code},
                   {"figures", Json::object()},
                   {"words", {{"detail", refused.what()}}}};
    answer("refused", {{"reasons", Json::array({reason})}});
}

bool tells_of_no_memory(const std::string& text) {
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    for (const char* words : {"bad_alloc", "cannot allocate memory", "out of memory",
                              "failed to allocate memory", "no enough for mallocing"})
        if (lower.find(words) != std::string::npos) return true;
    return false;
}

}  // namespace edgerank
