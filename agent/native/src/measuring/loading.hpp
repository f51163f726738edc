// Makes an artifact ready to run exactly as it is asked for, as agent/child/loading.py.
#pragma once

#include "kernel/process.hpp"
#include "runtimes/network.hpp"
#include "talk/lines.hpp"

namespace edgerank {

// What `load` gives for the settings. Throws Refused where the runtime cannot, or where the processor
// does not count subnormal numbers as 0 as it is told.
template <typename Load>
auto load_as_asked(const LoadSettings& settings, const Load& load) {
    set_flushing(settings.flush_denormals);
    auto loaded = load(settings);
    if (settings.flush_denormals && !flushes())
        throw Refused(runtime_error_code, "subnormal numbers do not count as 0 on this device, whatever it is told; "
                                          "measure without flushing denormals");
    return loaded;
}

}  // namespace edgerank
