// Small files in which the kernel tells of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace edgerank {

// The whole text, or nothing where it cannot be read to its end.
std::optional<std::string> read_text(const std::string& path);
// The first line without the blanks around it; empty where there is none.
std::string read_word(const std::string& path);
bool write_text(const std::string& path, const std::string& text);
// The names in a folder that are whole numbers, ascending.
std::vector<int> numbers_in(const std::string& folder, const std::string& prefix = "");

}  // namespace edgerank
