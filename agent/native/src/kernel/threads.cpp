#include "kernel/threads.hpp"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

#include "kernel/files.hpp"
#include "talk/lines.hpp"

namespace edgerank {
namespace {

using TimeByThread = std::map<int, std::int64_t>;

const std::string tasks = "/proc/self/task";
// A thread that worked along has a fair part of the busiest one's time.
constexpr double busy_share = 0.1;
constexpr std::int64_t ns_per_s = 1'000'000'000;

// CPU time, and time that a thread waited for a core, of `schedstat`.
bool schedstat(int thread, std::int64_t& computed_ns, std::int64_t& waited_ns) {
    auto text = read_text(tasks + "/" + std::to_string(thread) + "/schedstat");
    if (!text || text->empty()) return false;
    char* rest = nullptr;
    computed_ns = std::strtoll(text->c_str(), &rest, 10);
    waited_ns = std::strtoll(rest, nullptr, 10);
    return true;
}

// On kernels without it: user and system time, fields 14 and 15 of `stat`, in clock ticks.
bool ticks_of(int thread, std::int64_t& computed_ns) {
    auto text = read_text(tasks + "/" + std::to_string(thread) + "/stat");
    // The name, in parentheses, may hold blanks.
    std::size_t behind = text ? text->rfind(')') : std::string::npos;
    if (behind == std::string::npos) return false;
    const char* field = text->c_str() + behind + 1;
    for (int number = 2; number < 14; ++number)
        while (*field != '\0' && *field++ != ' ') {
        }
    char* rest = nullptr;
    std::int64_t ticks = std::strtoll(field, &rest, 10);
    ticks += std::strtoll(rest, nullptr, 10);
    computed_ns = ticks * ns_per_s / sysconf(_SC_CLK_TCK);
    return true;
}

TimeByThread cpu_time_ns_by_thread() {
    // The kernel credits a running thread's time when it is taken off the CPU: this one's, now.
    usleep(1);
    TimeByThread times;
    for (int thread : numbers_in(tasks)) {
        std::int64_t computed_ns, waited_ns;
        if (schedstat(thread, computed_ns, waited_ns) || ticks_of(thread, computed_ns))
            times[thread] = computed_ns;
    }
    return times;
}

TimeByThread waiting_ns_by_thread() {
    TimeByThread times;
    for (int thread : numbers_in(tasks)) {
        std::int64_t computed_ns, waited_ns;
        if (schedstat(thread, computed_ns, waited_ns)) times[thread] = waited_ns;
    }
    return times;
}

int busy_threads(const TimeByThread& before, const TimeByThread& after) {
    std::vector<std::int64_t> spent;
    for (auto [thread, time_ns] : after) {
        auto earlier = before.find(thread);
        spent.push_back(time_ns - (earlier == before.end() ? 0 : earlier->second));
    }
    std::int64_t busiest = spent.empty() ? 0 : *std::max_element(spent.begin(), spent.end());
    return static_cast<int>(std::count_if(spent.begin(), spent.end(), [busiest](std::int64_t time_ns) {
        return time_ns > 0 && static_cast<double>(time_ns) >= busy_share * static_cast<double>(busiest);
    }));
}

std::optional<double> waiting_share(const TimeByThread& before, const TimeByThread& after, std::int64_t span_ns) {
    std::optional<std::int64_t> longest;
    for (auto [thread, time_ns] : after)
        if (auto earlier = before.find(thread); earlier != before.end())
            longest = std::max(longest.value_or(0), time_ns - earlier->second);
    if (!longest || span_ns <= 0) return std::nullopt;
    return std::clamp(static_cast<double>(*longest) / static_cast<double>(span_ns), 0.0, 1.0);
}

std::vector<int> cores_of(pid_t thread) {
    cpu_set_t allowed;
    std::vector<int> cores;
    if (sched_getaffinity(thread, sizeof allowed, &allowed) != 0) return cores;
    for (int core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &allowed)) cores.push_back(core);
    return cores;
}

}  // namespace

std::int64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * ns_per_s + now.tv_nsec;
}

ThreadMeter::ThreadMeter()
    : cpu_time_ns_(cpu_time_ns_by_thread()), waiting_ns_(waiting_ns_by_thread()), begin_ns_(now_ns()) {}

ThreadWork ThreadMeter::stop() const {
    std::int64_t span_ns = now_ns() - begin_ns_;
    // Before CPU times, for which this thread gives its core away and may wait.
    std::optional<double> waited = waiting_share(waiting_ns_, waiting_ns_by_thread(), span_ns);
    return {busy_threads(cpu_time_ns_, cpu_time_ns_by_thread()), waited};
}

std::vector<int> cores_of_threads() {
    std::set<int> cores;
    for (int thread : numbers_in(tasks))
        for (int core : cores_of(thread)) cores.insert(core);
    return {cores.begin(), cores.end()};
}

std::string listed(const std::vector<int>& numbers) {
    std::string text;
    for (int number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
    return text;
}

void stay_on_cores(const std::vector<int>& cores) {
    if (cores.empty()) return;
    std::vector<int> allowed = cores_of(0), wanted = cores;
    std::sort(wanted.begin(), wanted.end());
    cpu_set_t chosen;
    CPU_ZERO(&chosen);
    for (int core : cores)
        if (core >= 0 && core < CPU_SETSIZE) CPU_SET(core, &chosen);
    sched_setaffinity(0, sizeof chosen, &chosen);
    // Of cores that it cannot grant the kernel says nothing as long as there is one that it can.
    if (cores_of(0) != wanted)
        throw Refused(runtime_error_code, "the kernel does not let the child run on the cores " + listed(cores) +
                                              "; the agent may use " + listed(allowed));
}

}  // namespace edgerank
