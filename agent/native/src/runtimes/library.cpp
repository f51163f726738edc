#include "runtimes/library.hpp"

#include <dlfcn.h>

#include "talk/lines.hpp"

namespace edgerank {

// Never closed: runtimes leave threads behind.
Library::Library(const std::string& path)
    : path_(path), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr)
        throw Refused(no_runtime_code, std::string("the runtime's library does not load: ") + dlerror());
}

void* Library::address(const char* name) const {
    void* found = dlsym(handle_, name);
    if (found == nullptr)
        throw Refused(no_runtime_code, path_ + " has no " + name + ": it is another library, name that of the runtime");
    return found;
}

}  // namespace edgerank
