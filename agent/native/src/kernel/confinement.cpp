#include "kernel/confinement.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "talk/lines.hpp"

namespace edgerank {
namespace {

// The same numbers on every machine; C libraries of the oldest systems do not name them.
constexpr long landlock_create_ruleset_call = 444, landlock_add_rule_call = 445, landlock_restrict_self_call = 446;
constexpr std::uint32_t io_uring_setup_call = 425, clone3_call = 435, openat2_call = 437, pidfd_getfd_call = 438;

// linux/landlock.h, whose newer rights older headers lack.
constexpr std::uint64_t write_file = 1 << 1, read_file = 1 << 2, read_dir = 1 << 3, remove_file = 1 << 5, make_file = 1 << 8;
constexpr std::uint64_t rights_of_first_version = (1 << 13) - 1, refer = 1 << 13, truncate_file = 1 << 14, ioctl_device = 1 << 15;
constexpr std::uint64_t scopes = 3;  // sockets by name, and signals
constexpr int scope_version = 6;

struct RulesetAttributes {
    std::uint64_t files, network, scoped;
};

constexpr const char* read_everywhere[] = {
    // What the dynamic linker reads, on Linux and on Android.
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
    "/etc/alternatives", "/nix/store", "/system", "/vendor", "/apex", "/linkerconfig", "/dev/__properties__",
    // What the kernel tells of the machine and of this process.
    "/proc/self", "/proc/cpuinfo", "/proc/device-tree", "/proc/filesystems", "/proc/interrupts", "/proc/loadavg",
    "/proc/meminfo", "/proc/pressure", "/proc/stat", "/proc/sys", "/proc/uptime", "/proc/version", "/proc/vmstat",
    "/sys", "/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom", "/dev/random"};

// What execution providers compute on, by Linux' and Android's names below /dev, or how these begin.
constexpr const char* accelerators[] = {
    "accel", "dma_heap", "dri", "galcore", "hwbinder", "ion", "kfd", "nvmap", "vndbinder"};
constexpr const char* accelerators_begin[] = {
    "adsprpc", "apusys", "ashmem", "binder", "fastrpc", "kgsl", "mali", "nvhost", "nvidia", "rknpu"};

[[noreturn]] void not_confined(const char* what) {
    throw Refused(runtime_error_code, std::string("the process cannot be held to ") + what + ": " + std::strerror(errno));
}

class FileRules {
public:
    explicit FileRules(int version)
        : handled_(rights_of_first_version | (version >= 2 ? refer : 0) | (version >= 3 ? truncate_file : 0) |
                   (version >= 5 ? ioctl_device : 0)) {
        RulesetAttributes attributes{handled_, 0, version >= scope_version ? scopes : 0};
        std::size_t size = version >= scope_version ? sizeof attributes : sizeof attributes.files;
        ruleset_ = static_cast<int>(syscall(landlock_create_ruleset_call, &attributes, size, 0));
        if (ruleset_ < 0) not_confined("its files");
    }

    // What is not there is not granted.
    void grant(const std::string& path, std::uint64_t rights) {
        int place = open(path.c_str(), O_PATH | O_CLOEXEC);
        struct stat told;
        if (place < 0 || fstat(place, &told) != 0) return;
        std::uint64_t of_files = read_file | write_file | truncate_file | ioctl_device;
        landlock_path_beneath_attr rule{(S_ISDIR(told.st_mode) ? rights : rights & of_files) & handled_, place};
        if (syscall(landlock_add_rule_call, ruleset_, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) not_confined("its files");
        // Held open: the kernel may forget what a name below /proc stood for, and the grant with it.
    }

    void restrict_process() {
        if (syscall(landlock_restrict_self_call, ruleset_, 0) != 0) not_confined("its files");
        close(ruleset_);
    }

private:
    std::uint64_t handled_;
    int ruleset_;
};

std::string folder_of(const std::string& path) {
    std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string real_path(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    std::string whole = real != nullptr ? real : path;
    std::free(real);
    return whole;
}

// A folder, and what links in it lead to: a library's own libraries may be such.
void grant_folder(FileRules& rules, const std::string& folder) {
    rules.grant(folder, read_file | read_dir);
    DIR* entries = opendir(folder.c_str());
    if (entries == nullptr) return;
    while (dirent* entry = readdir(entries))
        if (entry->d_type == DT_LNK) rules.grant(folder + "/" + entry->d_name, read_file | read_dir);
    closedir(entries);
}

// Without glob(), which Android's C library has from Android 9 on alone.
void grant_accelerators(FileRules& rules) {
    constexpr std::uint64_t rights = read_file | write_file | read_dir | ioctl_device;
    const std::string devices = "/dev/";
    for (const char* name : accelerators) rules.grant(devices + name, rights);
    DIR* entries = opendir(devices.c_str());
    if (entries == nullptr) return;
    while (dirent* entry = readdir(entries))
        for (const char* begin : accelerators_begin)
            if (std::strncmp(entry->d_name, begin, std::strlen(begin)) == 0) rules.grant(devices + entry->d_name, rights);
    closedir(entries);
}

std::vector<std::string> named_folders() {
    const char* named = std::getenv("LD_LIBRARY_PATH");
    std::vector<std::string> folders;
    for (std::string rest = named != nullptr ? named : ""; !rest.empty();) {
        std::size_t colon = rest.find(':');
        if (colon > 0) folders.push_back(rest.substr(0, colon));
        rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
    return folders;
}

void hold_to_files(int version, const std::vector<std::string>& readable, const std::optional<std::string>& trace_folder,
                   const std::string& library_path) {
    FileRules rules(version);
    for (const char* path : read_everywhere) rules.grant(path, read_file | read_dir);
    for (const std::string& path : readable) rules.grant(path, read_file | read_dir);
    for (const std::string& path : named_folders()) rules.grant(path, read_file | read_dir);
    for (const std::string& path : {library_path, real_path(library_path)}) grant_folder(rules, folder_of(path));
    if (trace_folder) rules.grant(*trace_folder, read_file | read_dir | write_file | truncate_file | make_file | remove_file);
    for (const char* path : {"/proc/self/clear_refs", "/dev/null"}) rules.grant(path, read_file | write_file | truncate_file);
    grant_accelerators(rules);
    rules.restrict_process();
}

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
constexpr std::uint32_t this_machine = AUDIT_ARCH_X86_64;
// From here on x86-64 counts the calls of its x32 twin.
constexpr std::uint32_t last_call = 0x40000000;
#else
constexpr std::uint32_t this_machine = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t last_call = 0xffffffff;
#endif

constexpr std::uint32_t denied = SECCOMP_RET_ERRNO | EACCES, unknown = SECCOMP_RET_ERRNO | ENOSYS;

std::uint32_t argument(unsigned place) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * place);
}

class Filter {
public:
    Filter() {
        load(offsetof(seccomp_data, arch));
        add(BPF_JMP | BPF_JEQ | BPF_K, this_machine, 1, 0);
        answer(denied);
        load(offsetof(seccomp_data, nr));
        add(BPF_JMP | BPF_JGE | BPF_K, last_call, 0, 1);
        answer(denied);
    }

    void if_called(std::uint32_t call, std::uint32_t told) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
        answer(told);
    }

    // The call is denied unless its first argument passes.
    void unless_first(std::uint32_t call, std::uint16_t test, std::uint32_t operand) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
        load(argument(0));
        add(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), operand, 0, 1);
        answer(SECCOMP_RET_ALLOW);
        answer(denied);
    }

    // Opening that empties a file without asking for writing.
    void emptying(std::uint32_t call, unsigned flags_place) {
        add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 7);
        load(argument(flags_place));
        add(BPF_JMP | BPF_JSET | BPF_K, O_TRUNC, 0, 4);
        add(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE, 0, 0);
        add(BPF_JMP | BPF_JEQ | BPF_K, O_WRONLY, 2, 0);
        add(BPF_JMP | BPF_JEQ | BPF_K, O_RDWR, 1, 0);
        answer(denied);
        answer(SECCOMP_RET_ALLOW);
    }

    void apply() {
        answer(SECCOMP_RET_ALLOW);
        sock_fprog program{static_cast<unsigned short>(instructions_.size()), instructions_.data()};
        // Without it kernels before 5.16 make every process with a filter slower.
        constexpr unsigned leave_speculation = 4;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, leave_speculation, &program) != 0)
            not_confined("its system calls");
    }

private:
    void add(std::uint16_t code, std::uint32_t operand, std::uint8_t then, std::uint8_t otherwise) {
        instructions_.push_back({code, then, otherwise, operand});
    }
    void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset), 0, 0); }
    void answer(std::uint32_t told) { add(BPF_RET | BPF_K, told, 0, 0); }

    std::vector<sock_filter> instructions_;
};

bool can_filter() {
    std::uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

// No sockets, no other processes or programs, no way out of the group that is killed as a whole, and
// nothing emptied that is only read.
void deny_calls() {
    Filter filter;
    for (std::uint32_t call : {std::uint32_t{__NR_socket}, std::uint32_t{__NR_ptrace}, std::uint32_t{__NR_process_vm_writev},
                               std::uint32_t{__NR_setpgid}, std::uint32_t{__NR_setsid}, std::uint32_t{__NR_execve},
                               std::uint32_t{__NR_execveat}, std::uint32_t{__NR_truncate},
                               std::uint32_t{__NR_open_by_handle_at}, io_uring_setup_call, pidfd_getfd_call})
        filter.if_called(call, denied);
#if defined(__x86_64__)
    filter.if_called(__NR_fork, denied);
    filter.if_called(__NR_vfork, denied);
    filter.emptying(__NR_open, 1);
#endif
    for (std::uint32_t call : {clone3_call, openat2_call}) filter.if_called(call, unknown);
    filter.unless_first(__NR_prlimit64, BPF_JEQ, 0);
    filter.unless_first(__NR_clone, BPF_JSET, CLONE_THREAD);
    filter.emptying(__NR_openat, 2);
    filter.apply();
}

#else

bool can_filter() { return false; }
void deny_calls() {}

#endif

}  // namespace

void confine(const std::vector<std::string>& readable, const std::optional<std::string>& trace_folder,
             const std::string& library_path) {
    // Before its third version (Linux 6.2) Landlock does not know of emptying files: the filter does.
    constexpr int truncation_version = 3;
    bool filters = can_filter();
    long version = syscall(landlock_create_ruleset_call, nullptr, 0, 1);
    if (version >= (filters ? 1 : truncation_version)) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) not_confined("its files");
        hold_to_files(static_cast<int>(version), readable, trace_folder, library_path);
    }
    if (filters) deny_calls();
}

}  // namespace edgerank
