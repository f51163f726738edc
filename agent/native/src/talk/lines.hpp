// What the agent is told: lines, each a kind, a blank and a JSON document.
#pragma once

#include <stdexcept>
#include <string>

#include "talk/json.hpp"

namespace edgerank {

// Why there is no figure, by the codes of protos.reasons.ReasonCode.
struct Refused : std::runtime_error {
    Refused(std::string refusal_code, const std::string& detail)
        : std::runtime_error(detail), code(std::move(refusal_code)) {}
    std::string code;
};

inline constexpr const char* runtime_error_code = "runtime_error";
inline constexpr const char* no_runtime_code = "no_runtime";
inline constexpr const char* out_of_memory_code = "out_of_memory";

// The pipe to the agent; what libraries print on standard output goes to standard error.
class Lines {
public:
    Lines();
    void phase(const char* name) const;
    void answer(const char* kind, const Json& document) const;
    void refuse(const Refused& refused) const;

private:
    int pipe_;
};

// Whether a library's message says that an allocation failed, as agent.child.last_words reads it.
bool tells_of_no_memory(const std::string& text);

}  // namespace edgerank
