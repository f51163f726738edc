// JSON, by Niels Lohmann's library, without its streams.
#pragma once

#define JSON_NO_IO 1
#include <nlohmann/json.hpp>

namespace edgerank {

using Json = nlohmann::ordered_json;

}  // namespace edgerank
