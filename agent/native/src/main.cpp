// edgerank-runner: measures one artifact in one runtime, and answers on standard output.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "kernel/confinement.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "measuring/repetition.hpp"
#include "talk/json.hpp"
#include "talk/lines.hpp"
#include "talk/request.hpp"
#include "version.hpp"

namespace {

using namespace edgerank;

constexpr int usage_exit_code = 2;
constexpr const char* usage =
    "usage: edgerank-runner version\n"
    "       edgerank-runner run [--request FILE] [--time-limit SECONDS] LIBRARY\n";

[[noreturn]] void refuse_call(const std::string& words) {
    std::fprintf(stderr, "%s\n%s", words.c_str(), usage);
    std::exit(usage_exit_code);
}

struct Call {
    std::string library_path;
    std::string request_path = "/dev/stdin";
    unsigned time_limit_s = 0;
};

Call read_call(const std::vector<std::string>& arguments) {
    Call call;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        bool has_value = i + 1 < arguments.size();
        if (arguments[i] == "--request" && has_value)
            call.request_path = arguments[++i];
        else if (arguments[i] == "--time-limit" && has_value)
            call.time_limit_s = static_cast<unsigned>(std::strtoul(arguments[++i].c_str(), nullptr, 10));
        else if (call.library_path.empty() && arguments[i].rfind("--", 0) != 0)
            call.library_path = arguments[i];
        else
            refuse_call("what is " + arguments[i] + "?");
    }
    if (call.library_path.empty()) refuse_call("which library has the runtime?");
    return call;
}

std::string read_all_of_stdin() {
    std::string text;
    char buffer[65536];
    for (ssize_t count; (count = read(STDIN_FILENO, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(count));
    return text;
}

std::string request_text(const Call& call) {
    if (call.request_path == "/dev/stdin") return read_all_of_stdin();
    std::optional<std::string> text = read_text(call.request_path);
    if (!text) refuse_call("the request cannot be read: " + call.request_path);
    return *text;
}

Request understood(const std::string& text) {
    try {
        return read_request(text);
    } catch (const std::exception& error) {
        refuse_call(std::string("the request is none of this program's protocol: ") + error.what());
    }
}

std::vector<std::string> files_of(const Request& request) {
    std::vector<std::string> files;
    if (request.sampling) files.push_back(request.sampling->load.artifact_path);
    if (request.profiling) files.push_back(request.profiling->load.artifact_path);
    for (const auto& path : {request.sampling ? request.sampling->reference_path : std::nullopt, request.inputs_path,
                             request.reference_inputs_path})
        if (path) files.push_back(*path);
    return files;
}

std::optional<std::string> trace_folder_of(const Request& request) {
    if (request.profiling) return request.profiling->folder;
    return request.sampling ? request.sampling->trace_folder : std::nullopt;
}

void answer(const Request& request, const std::string& library_path, const Lines& lines) {
    try {
        confine(files_of(request), trace_folder_of(request), library_path);
        work(request, library_path, lines);
    } catch (const Refused& refused) {
        lines.refuse(refused);
    } catch (const std::bad_alloc&) {
        lines.refuse(Refused(out_of_memory_code, "the child ran into its memory limit: no memory left"));
    } catch (const std::exception& error) {
        lines.refuse(Refused(runtime_error_code, error.what()));
    }
}

void run(const std::vector<std::string>& arguments) {
    Call call = read_call(arguments);
    alarm(call.time_limit_s);
    std::string text = request_text(call);
    // Whoever started this process is gone, or has given it up.
    if (text.empty()) return;
    Lines lines;
    Request request = understood(text);
    bind_to_parent(request.parent_pid);
    limit_memory(request.memory_limit_bytes);
    go_first_when_memory_ends();
    answer(request, call.library_path, lines);
}

void tell_version() {
    Json told = {{"program", program_name},
                 {"protocol", protocol_version},
                 {"version", program_version},
                 {"architecture", architecture},
                 {"runtimes", {"onnxruntime", "paddlelite"}}};
    std::printf("%s\n", told.dump().c_str());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments == std::vector<std::string>{"version"})
        tell_version();
    else if (!arguments.empty() && arguments[0] == "run")
        run(arguments);
    else
        refuse_call(arguments.empty() ? "what is to be done?" : "what is " + arguments[0] + "?");
    // Runtimes that crash while they are taken down would turn a good answer into a failure.
    _exit(0);
}
