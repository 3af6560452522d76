// What this machine lets the process use: cores and memory, as far as affinity and control groups allow.
#ifndef SCUTE_MACHINE_H
#define SCUTE_MACHINE_H

#include <stddef.h>

#include "host/core/status.h"

// Bytes that can still be allocated without swapping or meeting the control group's limit; 0 where unknown.
size_t sc_available_memory(void);

// Processors (hardware threads) that the process may run on, cut to the control group's quota; at least 1.
int sc_usable_processors(void);

// Physical cores among them, cut likewise; at least 1.
int sc_usable_cores(void);

// sc_available_memory and what is free of the swap: for more than that the system ends processes. 0 where
// unknown.
size_t sc_memory_left(void);

// Starts the compute threads, as many as are in SCUTE_THREADS, else OMP_NUM_THREADS, else the physical cores
// that the process may run on, cut to the control group's quota: two hardware threads of one core share its
// vector units, so more than that slows dense kernels down.
ScStatus sc_set_default_threads(void);

#endif
