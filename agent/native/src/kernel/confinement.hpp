// Holds this process to its files, without a network and without other processes, as
// agent/child/confinement.py and sandbox/ do, where the reasons are told. What this kernel cannot do is
// left out. A trace is written into its folder, where one is.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace edgerank {

// Throws Refused where the kernel says that it can do it, and does not.
void confine(const std::vector<std::string>& readable, const std::optional<std::string>& trace_folder,
             const std::string& library_path);

}  // namespace edgerank
