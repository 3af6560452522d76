// How the machine is doing: memory and processor time of this process, temperature, throttled clocks, GPUs. A
// sample reads a few small files of the kernel, which takes well below a millisecond.
#ifndef SCUTE_MONITOR_H
#define SCUTE_MONITOR_H

#include <stdbool.h>

#include "host/machine/nvml.h"
#include "host/core/status.h"

// Numbers that the system does not tell are NAN.
typedef struct {
   double resident, peak_resident; // bytes of this process in memory, now and at most
   double available;               // bytes that could still be had
   double cores;                   // processors that this process kept busy, on average since the last sample
   double machine;                 // share of all processors that were busy with anything, 0..1
   double temperature;             // of the processor, degrees Celsius; the highest of its sensors
   bool throttled;                 // the processor lowered its clock because of heat since the last sample
   int ngpus;
   ScGpu gpus[SC_GPUS];
} ScSample;

typedef struct ScMonitor ScMonitor;

// `root` is what stands before /proc and /sys ("" for the machine's own), `nvml` the library's name (NULL:
// NVIDIA's).
ScStatus sc_monitor_new(const char *root, const char *nvml, ScMonitor **out);
void sc_monitor_free(ScMonitor *); // NULL is fine
void sc_monitor_sample(ScMonitor *, ScSample *out);

#endif
