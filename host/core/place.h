// Which of the processes of a world (host/core/world.h) are on one computer, where each has a GPU of its own.
#ifndef SCUTE_PLACE_H
#define SCUTE_PLACE_H

#include <stdint.h>

#include "host/core/api.h"
#include "host/core/communicator.h"

SC_API_BEGIN

typedef struct {
   int rank, size;   // number of this process among those of its computer, from 0, and how many these are
   int64_t computer; // another number for each computer
   // Another number for each process of its computer, where all of these were given one GPU each, as batch
   // systems do it: one in CUDA_VISIBLE_DEVICES, which differs, or else the devices that they may open do; else
   // 0.
   int64_t own_gpu;
} ScPlace;

ScPlace sc_place(void); // of a process alone: 0 of 1
// Asks all members of a group that was joined, which all do.
ScStatus sc_place_find(ScCommunicator *);

SC_API_END

#endif
