// What NVIDIA's management library tells of the GPUs, where it is installed: it is opened at run time.
#ifndef SCUTE_NVML_H
#define SCUTE_NVML_H

#include <stdbool.h>

enum { SC_GPUS = 16, SC_GPU_NAME = 96 };

// Numbers that the driver does not tell are NAN.
typedef struct {
   int index; // NVIDIA's own, which does not know CUDA_VISIBLE_DEVICES
   char name[SC_GPU_NAME];
   double memory_used, memory_total; // bytes, of all processes
   double use;                       // share of the time in which something computed, 0..1
   double power;                     // watts
   double temperature;               // degrees Celsius
   bool hot;                         // the clock is held down by heat
   bool slowed;                      // or by the power supply or another protection of the hardware
} ScGpu;

typedef struct ScNvml ScNvml;

// NULL where the library, or a GPU, is not there. `library` NULL means libnvidia-ml.so.1.
ScNvml *sc_nvml_open(const char *library);
void sc_nvml_close(ScNvml *); // NULL is fine
// Fills at most SC_GPUS entries; returns how many.
int sc_nvml_read(ScNvml *, ScGpu out[SC_GPUS]); // NULL: 0

#endif
