// What this machine lets the process use: cores and memory, as far as affinity and control groups allow.
#ifndef SCUTE_MACHINE_H
#define SCUTE_MACHINE_H

#include <stddef.h>

#include "host/core/status.h"

// Bytes that can still be allocated without swapping or meeting the control group's limit; 0 where unknown.
size_t sc_available_memory(void);

// First thing in main: makes compute threads that wait sleep after a moment. libgomp lets them spin for
// milliseconds, and so take the cores from the threads that decode photos and from other programs: measured on
// two busy cores, features of photos took 18 s of processor time instead of 7, and three times as long. It
// reads its settings before main, so the program starts itself once more; the environment of child processes
// stays as the user set it. Does nothing where the user has set GOMP_SPINCOUNT or OMP_WAIT_POLICY.
void sc_calm_waiting(char **argv);

// Processors (hardware threads) that the process may run on, cut to the control group's quota; at least 1.
int sc_usable_processors(void);

// sc_available_memory and what is free of the swap: for more than that the system ends processes. 0 where
// unknown.
size_t sc_memory_left(void);

// Starts the compute threads, as many as are in SCUTE_THREADS, else OMP_NUM_THREADS, else the physical cores
// that the process may run on, cut to the control group's quota: two hardware threads of one core share its
// vector units, so more than that slows dense kernels down.
ScStatus sc_set_default_threads(void);

#endif
