#include "kernel/process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cfloat>
#include <csignal>
#include <limits>
#include <thread>

#include "kernel/files.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace edgerank {
namespace {

constexpr rlim_t file_limit_bytes = 64 * 1024 * 1024;

void limit(int what, rlim_t most) {
    rlimit limits;
    if (getrlimit(what, &limits) != 0) return;
    if (limits.rlim_max != RLIM_INFINITY && limits.rlim_max < most) most = limits.rlim_max;
    limits.rlim_cur = limits.rlim_max = most;
    setrlimit(what, &limits);
}

bool computes_zero() {
    volatile float smallest_normal = FLT_MIN, subnormal = std::numeric_limits<float>::denorm_min();
    volatile float result = smallest_normal * 0.5f, operand = subnormal * 1073741824.0f;
    return result == 0 && operand == 0;
}

}  // namespace

void bind_to_parent(int parent_pid) {
    if (parent_pid == 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // The parent may have died before the call above took effect.
    if (getppid() != parent_pid) raise(SIGKILL);
}

void limit_memory(std::uint64_t limit_bytes) {
    if (limit_bytes > 0) limit(RLIMIT_DATA, static_cast<rlim_t>(limit_bytes));
    limit(RLIMIT_FSIZE, file_limit_bytes);
    limit(RLIMIT_CORE, 0);
}

void go_first_when_memory_ends() { write_text("/proc/self/oom_score_adj", "1000"); }

void set_flushing(bool flush) {
#if defined(__x86_64__)
    constexpr unsigned bits = 0x8040;  // results and operands become 0
    unsigned control = _mm_getcsr();
    _mm_setcsr(flush ? control | bits : control & ~bits);
#elif defined(__aarch64__)
    constexpr std::uint64_t bit = 1u << 24;
    std::uint64_t control;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    control = flush ? control | bit : control & ~bit;
    asm volatile("msr fpcr, %0" : : "r"(control));
#elif defined(__arm__)
    constexpr std::uint32_t bit = 1u << 24;
    std::uint32_t control;
    asm volatile("vmrs %0, fpscr" : "=r"(control));
    control = flush ? control | bit : control & ~bit;
    asm volatile("vmsr fpscr, %0" : : "r"(control));
#else
    static_cast<void>(flush);
#endif
}

bool flushes() {
    bool here = computes_zero(), there = false;
    std::thread([&there] { there = computes_zero(); }).join();
    return here && there;
}

}  // namespace edgerank
