// The few functions of Paddle Lite that the runner calls, without C++ between the two: the shim is built
// by the compiler and with the C++ library that built the user's Paddle Lite, the runner by ours.
//
// A function that fails returns 0 or a null pointer, and edgerank_paddlelite_error says why. What
// Paddle Lite does not take mostly ends the process.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGERANK_PADDLELITE_ABI 1
#define EDGERANK_PADDLELITE_MAX_RANK 16

typedef struct edgerank_paddlelite_network edgerank_paddlelite_network;

// By NumPy's names: float32, float16, float64, uint8, int8, int32, int64, bool.
typedef struct {
    const char* element_type;
    int32_t rank;
    int64_t shape[EDGERANK_PADDLELITE_MAX_RANK];
    const void* data;
} edgerank_paddlelite_tensor;

int32_t edgerank_paddlelite_abi(void);
const char* edgerank_paddlelite_error(void);
edgerank_paddlelite_network* edgerank_paddlelite_load(const char* artifact_path, int32_t threads);
const char* edgerank_paddlelite_version(edgerank_paddlelite_network* network);
int32_t edgerank_paddlelite_input_count(edgerank_paddlelite_network* network);
const char* edgerank_paddlelite_input_name(edgerank_paddlelite_network* network, int32_t place);
// Copies the numbers into the network's own memory.
int32_t edgerank_paddlelite_set_input(edgerank_paddlelite_network* network, int32_t place,
                                      const edgerank_paddlelite_tensor* given);
int32_t edgerank_paddlelite_run(edgerank_paddlelite_network* network);
int32_t edgerank_paddlelite_output_count(edgerank_paddlelite_network* network);
// The numbers are the network's, until it runs again.
int32_t edgerank_paddlelite_output(edgerank_paddlelite_network* network, int32_t place,
                                   edgerank_paddlelite_tensor* told);

#ifdef __cplusplus
}
#endif
