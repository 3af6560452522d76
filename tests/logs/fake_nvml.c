// A small libnvidia-ml.so.1 for tests: two GPUs whose numbers follow from their index. FAKE_NVML holds what is
// to be different: "fail" (init fails), "none" (no GPU), or throttle reasons of the second GPU, as hexadecimal
// digits. The second GPU does not tell its power.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
   unsigned long long total, free, used;
} Memory;
typedef struct {
   unsigned int gpu, memory;
} Utilization;

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3 };

static int opened;
static char gpus[2];

static const char *setting(void) {
   const char *text = getenv("FAKE_NVML");
   return text ? text : "";
}

static int index_of(void *device) {
   return (int)((char *)device - gpus);
}

int nvmlInit_v2(void) {
   if (strcmp(setting(), "fail") == 0) return UNINITIALIZED;
   opened++;
   return SUCCESS;
}

int nvmlShutdown(void) {
   return opened-- > 0 ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
   if (!opened) return UNINITIALIZED;
   *count = strcmp(setting(), "none") == 0 ? 0 : 2;
   return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
   if (!opened || index > 1) return INVALID_ARGUMENT;
   *device = gpus + index;
   return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
   return snprintf(name, length, "Fake GPU %d", index_of(device)) < (int)length ? SUCCESS : INVALID_ARGUMENT;
}

int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) {
   memory->total = 24ull << 30;
   memory->used = (unsigned long long)(index_of(device) + 1) << 30;
   memory->free = memory->total - memory->used;
   return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, Utilization *utilization) {
   utilization->gpu = 90 - 40 * (unsigned int)index_of(device);
   utilization->memory = 10;
   return SUCCESS;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned int *milliwatts) {
   if (index_of(device) == 1) return NOT_SUPPORTED;
   *milliwatts = 215500;
   return SUCCESS;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned int *degrees) {
   if (sensor != 0) return INVALID_ARGUMENT;
   *degrees = 61 + 20 * (unsigned int)index_of(device);
   return SUCCESS;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
   *reasons = index_of(device) == 1 ? strtoull(setting(), NULL, 16) : 4; // 4: the power limit, in normal use
   return SUCCESS;
}
