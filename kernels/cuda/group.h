// Processes that each have a GPU: sums of what lies in the GPUs' memory, on a stream beside the one that
// computes.
#ifndef SCUTE_CUDA_GROUP_H
#define SCUTE_CUDA_GROUP_H

#include "host/core/communicator.h"
#include "kernels/cuda/nccl.h"

// The communicator of tensors of a device, between the processes of a world, all of which call this. `beside`:
// what sums that are begun go through, the caller's; NULL: one of its own.
ScStatus sc_cuda_group_new(ScCommunicator **out, ScDevice *, ScCommunicator *world, ScNccl *beside);
// A communicator of NCCL between the processes of a world, which carries its id. All fail together where one
// cannot.
ScStatus sc_cuda_group_join(ScNccl **out, ScDevice *, ScCommunicator *world);

#endif
