// A fake of Paddle Lite's benchmark_bin for a phone. It computes no network: output k is the sum of
// every tenth number of its input from the k-th on, times what the "artifact" has as text. What it
// takes and prints is as versions 2.10 to 2.13 do, read from their sources.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OUTPUTS 10

static double sums[OUTPUTS];
static double *input, factor;
static int count;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double inference_ms(void) {
  double begin = now_ms();
  for (int k = 0; k < OUTPUTS; ++k) sums[k] = 0;
  for (int i = 0; i < count; ++i) sums[i % OUTPUTS] += input[i] * factor;
  usleep(300);
  return now_ms() - begin;
}

static const char* flag(int argc, char** argv, const char* name) {
  for (int i = 1; i < argc; ++i)
    if (strncmp(argv[i] + 2, name, strlen(name)) == 0 && argv[i][2 + strlen(name)] == '=')
      return argv[i] + 3 + strlen(name);
  return "";
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("benchmark_bin version v2.12\n");
    return 0;
  }
  FILE *network = fopen(flag(argc, argv, "optimized_model_file"), "r"),
       *numbers = fopen(flag(argc, argv, "input_data_path"), "r");
  if (network == NULL || numbers == NULL || fscanf(network, "%lf", &factor) != 1) {
    fprintf(stderr, "Check failed: cannot load the model\n");
    abort();
  }
  if (factor < 0) for (;;) sleep(1);
  input = malloc(sizeof(double) * 1000000);
  memset(input, 1, sizeof(double) * 1000000);
  while (count < 1000000 && fscanf(numbers, "%lf", input + count) == 1) ++count;
  int warmup = atoi(flag(argc, argv, "warmup")), repeats = atoi(flag(argc, argv, "repeats"));
  double first = inference_ms(), least = 1e9, most = 0, total = 0;
  for (int run = 1; run < warmup; ++run) inference_ms();
  for (int run = 0; run < repeats; ++run) {
    double ms = inference_ms();
    total += ms;
    if (ms < least) least = ms;
    if (ms > most) most = ms;
  }
  printf("\n======= Model Info =======\noutput tensor num: 1\n--- output tensor 0 ---\n"
         "output shape(NCHW): 1 %d \noutput tensor 0 elem num: %d\n", OUTPUTS, OUTPUTS);
  if (strcmp(flag(argc, argv, "show_output_elem"), "true") == 0)
    for (int k = 0; k < OUTPUTS; ++k) printf("out[0][%d]:%g\n", k, sums[k]);
  printf("\n======= Runtime Info =======\nbenchmark_bin version: v2.12\nthreads: %s\n",
         flag(argc, argv, "threads"));
  printf("\n======= Perf Info =======\nTime(unit: ms):\ninit  = %-12.3f\nfirst = %-12.3f\n"
         "min   = %-12.3f\nmax   = %-12.3f\navg   = %-12.3f\n\n",
         1.234, first, least, most, total / repeats);
  return 0;
}
