// NCCL, NVIDIA's library for sums between GPUs of several processes: its communicators, without its types,
// since a toolkit need not have its header. The library is opened when it is first needed, beside the CUDA
// runtime or where the dynamic linker looks.
//
// All members of a communicator make the same calls in the same order. Calls return when the work is in the
// stream; what goes wrong later is seen by sc_nccl_check, and who waits for such work asks it now and then (see
// kernels/cuda/await.h): work whose peers are gone does not end before sc_nccl_abort.
#ifndef SCUTE_CUDA_NCCL_H
#define SCUTE_CUDA_NCCL_H

#include <cuda_runtime_api.h>

#include "host/core/device.h"

typedef struct ScNccl ScNccl;

enum { SC_NCCL_ID = 128 }; // bytes

// Whether there is the library: SC_EUNSUPPORTED, with what to install.
ScStatus sc_nccl_find(void);
// What the members of a new communicator need: made by one of them, who is then a member itself.
ScStatus sc_nccl_make_id(char id[SC_NCCL_ID]);
// A communicator; its members are waited for. The device is made current, here and below.
ScStatus sc_nccl_open(ScNccl **out, ScDevice *, int rank, int size, const char id[SC_NCCL_ID]);

// In place, in memory of its device.
ScStatus sc_nccl_all_reduce(ScNccl *, ScDtype, int64_t n, void *data, cudaStream_t);
ScStatus sc_nccl_broadcast(ScNccl *, int root, size_t bytes, void *data, cudaStream_t);

// SC_OK, or what has gone wrong since: then it is aborted, and every call of it fails with the same words.
ScStatus sc_nccl_check(ScNccl *);
// Ends the work that is under way, which leaves anything in its memory. `why`: what later calls say.
void sc_nccl_abort(ScNccl *, const char *why);
// Leaves it, once all members do, and frees it; after an abort it is freed alone. NULL is fine.
void sc_nccl_close(ScNccl *);

// Seconds after which members that did not come are given up: SCUTE_NCCL_TIMEOUT, or 600.
double sc_nccl_patience(void);

#endif
