// What this process does to itself before it loads a runtime, as agent/child/confinement.py.
#pragma once

#include <cstdint>

namespace edgerank {

// Die when the parent does; 0 is no parent.
void bind_to_parent(int parent_pid);
// Limit private writable memory, and what is written into a file; 0 is no limit of memory.
void limit_memory(std::uint64_t limit_bytes);
// Let the kernel kill this process, and not the agent, when the device runs out of memory.
void go_first_when_memory_ends();
// Let subnormal numbers count as 0 in this thread and those that it starts, or let them not.
void set_flushing(bool flush);
// Whether this thread, and one that it starts, compute with 0 for every subnormal number.
bool flushes();

}  // namespace edgerank
