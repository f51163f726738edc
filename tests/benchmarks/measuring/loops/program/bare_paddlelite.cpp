// The shim as the runner loads it, and a bare loop over the network that it loaded last. Compiled as the shim
// is, against somebody's own Paddle Lite.
#define edgerank_paddlelite_load load_of_the_shim
#include <edgerank_paddlelite.cpp>
#undef edgerank_paddlelite_load

static edgerank_paddlelite_network* loaded;

extern "C" edgerank_paddlelite_network* edgerank_paddlelite_load(const char* artifact_path, int32_t threads) {
    loaded = load_of_the_shim(artifact_path, threads);
    return loaded;
}

// So many inferences, as a person would write them.
extern "C" void edgerank_bare_loop(int64_t runs) {
    lite::PaddlePredictor& predictor = *loaded->predictor;
    for (int64_t run = 0; run < runs; ++run) predictor.Run();
}
