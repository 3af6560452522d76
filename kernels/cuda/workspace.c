#include "kernels/cuda/workspace.h"

#include "kernels/cuda/stream.h"

static ScBuffer *workspaces[SC_MAXDEVICES];

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

void sc_workspace_drop(const ScDevice *device) {
   sc_buffer_release(workspaces[device->index]);
   workspaces[device->index] = NULL;
}
