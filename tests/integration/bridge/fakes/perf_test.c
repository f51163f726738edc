// A fake of onnxruntime_perf_test, which no package brings. It computes no network: each "inference" is
// a sum that it times. What it takes and says is as ONNX Runtime 1.16 to 1.24 do, read from their
// sources: -h, options of one dash, a folder of inputs beside the model, a page, and the file of times.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static double inference_s(void) {
  double begin = now_s();
  volatile double sum = 0;
  for (int i = 1; i < 200000; ++i) sum += 1.0 / i;
  return now_s() - begin;
}

int main(int argc, char** argv) {
  const char *model = NULL, *times = NULL;
  int repeats = 1000;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "-h") == 0) {
      printf("perf_test [options...] model_path [result_file]\nOptions:\n\t-m [test_mode]: ...\n");
      return 255;
    }
    if (argv[i][0] == '-' && strchr("emrxyo", argv[i][1])) {
      if (argv[i][1] == 'r') repeats = atoi(argv[i + 1]);
      ++i;
    } else if (argv[i][0] != '-') {
      if (model == NULL) model = argv[i];
      else times = argv[i];
    }
  }
  if (model == NULL || times == NULL || strcmp(model + strlen(model) - 5, ".onnx") != 0) {
    fprintf(stderr, "%s is not supported\n", model ? model : "");
    return 255;
  }
  char path[4096];
  snprintf(path, sizeof path, "%.*s/test_data_set_0/input_0.pb", (int)(strrchr(model, '/') - model), model);
  FILE *network = fopen(model, "rb"), *input = fopen(path, "rb");
  if (network == NULL || fgetc(network) != 8) {
    fprintf(stderr, "Load model from %s failed:Protobuf parsing failed.\n", model);
    return 255;
  }
  // The first byte of a TensorProto with dims.
  if (input == NULL || fgetc(input) != 8) {
    printf("there is no test data for model model\nRun failed:failed to initialize.\n");
    return 255;
  }
  double session = inference_s(), first = inference_s(), total = 0;
  FILE* file = fopen(times, "a");
  memset(malloc(8000000), 1, 8000000);
  double* spent = malloc(sizeof(double) * repeats);
  for (int run = 0; run < repeats; ++run) total += spent[run] = inference_s();
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  for (int run = 0; run < repeats; ++run)
    fprintf(file, "model,%g,%ld,%d,%d\n", spent[run], usage.ru_maxrss * 1024, 99, run);
  fclose(file);
  printf("Setting intra_op_num_threads to 1\n"
         "Session creation time cost: %g s\nFirst inference time cost: %d ms\n"
         "Total inference time cost: %g s\nTotal inference requests: %d\n"
         "Average inference time cost: %g ms\nAvg CPU usage: 99 %%\n"
         "Peak working set size: %ld bytes\n",
         session, (int)(first * 1e3), total, repeats, total / repeats * 1e3, usage.ru_maxrss * 1024);
  return 0;
}
