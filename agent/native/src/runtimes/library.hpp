// A shared library that is opened while the program runs.
#pragma once

#include <string>

namespace edgerank {

class Library {
public:
    // Throws Refused (no_runtime) with the linker's words.
    explicit Library(const std::string& path);
    template <typename Function>
    Function* function(const char* name) const {
        return reinterpret_cast<Function*>(address(name));
    }

private:
    void* address(const char* name) const;
    std::string path_;
    void* handle_;
};

}  // namespace edgerank
