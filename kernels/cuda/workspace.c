#include "kernels/cuda/workspace.h"

#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

static ScBuffer *workspaces[SC_MAXDEVICES], *arrivals[SC_MAXDEVICES];

// It comes from the device's pool, so that a block that was outgrown serves others, in stream order.
ScStatus sc_cuda_workspace(const ScDevice *device, size_t bytes, void **out) {
   ScBuffer **workspace = &workspaces[device->index];
   SC_TRY(sc_cuda_use(device));
   if (!*workspace || (*workspace)->bytes < bytes) {
      sc_buffer_release(*workspace);
      *workspace = NULL;
      SC_TRY(sc_buffer_new(workspace, (ScDevice *)device, bytes));
   }
   *out = (*workspace)->data;
   return SC_OK;
}

static void drop(ScBuffer **buffer) {
   sc_buffer_release(*buffer);
   *buffer = NULL;
}

ScStatus sc_cuda_arrivals(const ScDevice *device, int n, unsigned **out) {
   const int least = 256;
   size_t bytes = (size_t)(n > least ? n : least) * sizeof **out;
   ScBuffer **counters = &arrivals[device->index];
   SC_TRY(sc_cuda_use(device));
   if (!*counters || (*counters)->bytes < bytes) {
      drop(counters);
      SC_TRY(sc_buffer_new(counters, (ScDevice *)device, bytes));
      cudaError_t error = cudaMemsetAsync((*counters)->data, 0, (*counters)->bytes, sc_cuda_stream(device));
      if (error != cudaSuccess) drop(counters);
      SC_CUDA_TRY(error, "counters on the GPU");
   }
   *out = (*counters)->data;
   return SC_OK;
}

void sc_workspace_drop(const ScDevice *device) {
   drop(&workspaces[device->index]);
   drop(&arrivals[device->index]);
}
