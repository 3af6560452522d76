// Processes that each have a GPU: sums of what lies in the GPUs' memory, on a stream beside the one that
// computes.
#ifndef SCUTE_CUDA_GROUP_H
#define SCUTE_CUDA_GROUP_H

#include "host/core/communicator.h"
#include "kernels/cuda/nccl.h"

// The communicator of tensors of the device, over one of NCCL, which is the new one's from here on where
// `owns`. On failure it stays the caller's.
ScStatus sc_cuda_group_new(ScCommunicator **out, ScDevice *, int rank, int size, ScNccl *, bool owns);
// A communicator of NCCL between the processes of a world, which carries its id. All fail together where one
// cannot.
ScStatus sc_cuda_group_join(ScNccl **out, ScDevice *, ScCommunicator *world);

#endif
