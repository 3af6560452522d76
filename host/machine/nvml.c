// The few functions of NVML that are needed, declared by hand after NVIDIA's nvml.h (NVML API Reference Guide):
// so neither the header nor the library has to be there when scute is built.
#include "host/machine/nvml.h"

#include <dlfcn.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef void *Device;
typedef struct {
   unsigned long long total, free, used;
} Memory;
typedef struct {
   unsigned int gpu, memory; // percent of the last sample period
} Utilization;

enum { SUCCESS = 0, TEMPERATURE_GPU = 0 };
enum { // nvmlClocksThrottleReason...; idling and a power limit that the user has set are no warning
   HW_SLOWDOWN = 0x8,
   SW_THERMAL = 0x20,
   HW_THERMAL = 0x40,
   HW_POWER_BRAKE = 0x80
};

struct ScNvml {
   void *library;
   int (*init)(void);
   int (*shutdown)(void);
   int (*count)(unsigned int *);
   int (*by_index)(unsigned int, Device *);
   int (*name)(Device, char *, unsigned int);
   int (*memory)(Device, Memory *);
   int (*utilization)(Device, Utilization *);
   int (*power)(Device, unsigned int *); // milliwatts
   int (*temperature)(Device, int, unsigned int *);
   int (*reasons)(Device, unsigned long long *);
};

static bool find(ScNvml *n) {
   static const struct {
      const char *name;
      size_t field;
   } functions[] = {
       {"nvmlInit_v2", offsetof(ScNvml, init)},
       {"nvmlShutdown", offsetof(ScNvml, shutdown)},
       {"nvmlDeviceGetCount_v2", offsetof(ScNvml, count)},
       {"nvmlDeviceGetHandleByIndex_v2", offsetof(ScNvml, by_index)},
       {"nvmlDeviceGetName", offsetof(ScNvml, name)},
       {"nvmlDeviceGetMemoryInfo", offsetof(ScNvml, memory)},
       {"nvmlDeviceGetUtilizationRates", offsetof(ScNvml, utilization)},
       {"nvmlDeviceGetPowerUsage", offsetof(ScNvml, power)},
       {"nvmlDeviceGetTemperature", offsetof(ScNvml, temperature)},
       {"nvmlDeviceGetCurrentClocksThrottleReasons", offsetof(ScNvml, reasons)},
   };
   for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
      void *function = dlsym(n->library, functions[i].name);
      if (!function) return false;
      memcpy((char *)n + functions[i].field, &function, sizeof function);
   }
   return true;
}

ScNvml *sc_nvml_open(const char *library) {
   ScNvml *n = calloc(1, sizeof *n);
   if (!n) return NULL;
   n->library = dlopen(library ? library : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
   unsigned int count = 0;
   if (n->library && find(n) && n->init() == SUCCESS) {
      if (n->count(&count) == SUCCESS && count > 0) return n;
      n->shutdown();
   }
   if (n->library) dlclose(n->library);
   free(n);
   return NULL;
}

void sc_nvml_close(ScNvml *n) {
   if (!n) return;
   n->shutdown();
   dlclose(n->library);
   free(n);
}

static void read_one(ScNvml *n, Device device, ScGpu *out) {
   Memory memory;
   Utilization utilization;
   unsigned int milliwatts, degrees;
   unsigned long long reasons;
   if (n->name(device, out->name, sizeof out->name) != SUCCESS) strcpy(out->name, "GPU");
   out->name[sizeof out->name - 1] = 0;
   bool told = n->memory(device, &memory) == SUCCESS;
   out->memory_used = told ? (double)memory.used : NAN;
   out->memory_total = told ? (double)memory.total : NAN;
   out->use = n->utilization(device, &utilization) == SUCCESS ? utilization.gpu / 100.0 : NAN;
   out->power = n->power(device, &milliwatts) == SUCCESS ? milliwatts / 1000.0 : NAN;
   out->temperature = n->temperature(device, TEMPERATURE_GPU, &degrees) == SUCCESS ? degrees : NAN;
   if (n->reasons(device, &reasons) != SUCCESS) reasons = 0;
   out->hot = reasons & (SW_THERMAL | HW_THERMAL);
   out->slowed = reasons & (HW_SLOWDOWN | HW_POWER_BRAKE);
}

int sc_nvml_read(ScNvml *n, ScGpu out[SC_GPUS]) {
   unsigned int count = 0;
   int found = 0;
   if (!n || n->count(&count) != SUCCESS) return 0;
   for (unsigned int i = 0; i < count && found < SC_GPUS; i++) {
      Device device;
      if (n->by_index(i, &device) != SUCCESS) continue;
      out[found] = (ScGpu){.index = (int)i};
      read_one(n, device, &out[found++]);
   }
   return found;
}
