// What of the device's state changes faster than the agent can read it: see protos.device.DeviceState.
#pragma once

#include "talk/json.hpp"

namespace edgerank {

// The moment, the clocks of the cores that are online, and the load.
Json device_state();

}  // namespace edgerank
