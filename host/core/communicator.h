// What joins several devices that train one model: the seam at which data parallel training comes in. No
// backend brings a communicator yet.
//
// Each member of a group has the whole model on its device and its own part of a batch. Once an update, after
// backward and before gradients are unscaled, clipped and applied, all_reduce adds up the gradients of the
// group; from then on every member takes the same step. Whoever forms the group, with a library that knows the
// devices (NCCL for GPUs), puts a communicator beside each device; one without trains alone.
#ifndef SCUTE_COMMUNICATOR_H
#define SCUTE_COMMUNICATOR_H

#include "host/core/api.h"
#include "host/core/status.h"

SC_API_BEGIN

typedef struct ScTensor ScTensor;

typedef struct ScCommunicator {
   int rank, size; // number of this member, from 0, and how many there are
   // Each of n tensors on this member's device becomes the sum over the group, in order with the device's work
   // and without waiting for it. All members call it with tensors of the same dtypes and shapes.
   ScStatus (*all_reduce)(struct ScCommunicator *, int n, ScTensor *const *tensors);
   void (*close)(struct ScCommunicator *); // leaves the group and frees this
} ScCommunicator;

SC_API_END

#endif
