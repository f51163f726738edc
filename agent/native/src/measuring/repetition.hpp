// One repetition: load, first run, warm-up, samples, comparison, in the order of agent/child.
#pragma once

#include "runtimes/network.hpp"
#include "talk/lines.hpp"
#include "talk/request.hpp"

namespace edgerank {

// Answers the request with the runtime's library at this path; throws Refused.
void work(const Request& request, const std::string& library_path, const Lines& lines);

}  // namespace edgerank
