#include "kernels/cuda/own_code.h"

#include <stdlib.h>

#include "host/ops/own_prepare.h"
#include "kernels/cuda/status.h"

typedef struct Codes {
   ScOwnCode of[SC_MAXDEVICES][SC_NDTYPE];
   struct Codes *next;
} Codes;

static Codes *all; // of every op that has some; they live as long as the program, as the ops do

static const char *const names[SC_OWN_KERNELS] = {
    [SC_OWN_FORWARD] = "forward",
    [SC_OWN_BACKWARD] = "backward",
    [SC_OWN_FORWARD_VECTORS] = "forward_vectors",
    [SC_OWN_FORWARD_ELEMENTS] = "forward_elements",
    [SC_OWN_BACKWARD_VECTORS] = "backward_vectors",
    [SC_OWN_BACKWARD_ELEMENTS] = "backward_elements",
};

static ScStatus codes_of(ScOwnOp *own, Codes **out) {
   Codes *codes = (Codes *)own->code[SC_OWN_CUDA];
   if (!codes) {
      codes = calloc(1, sizeof *codes);
      if (!codes) return sc_fail(SC_EMEM, "out of memory");
      codes->next = all;
      all = codes;
      sc_own_op_set_code(own, SC_OWN_CUDA, codes);
   }
   *out = codes;
   return SC_OK;
}

// ---- libraries, which the runtime has known since CUDA 12.8 ----

#if CUDART_VERSION >= 12080

static cudaError_t open_library(void **library, const void *bytes) {
   return cudaLibraryLoadData((cudaLibrary_t *)library, bytes, NULL, NULL, 0, NULL, NULL, 0);
}

static cudaError_t get_kernel(const void **kernel, void *library, const char *name) {
   return cudaLibraryGetKernel((cudaKernel_t *)kernel, library, name);
}

static void close_library(void *library) {
   if (cudaLibraryUnload(library) != cudaSuccess) cudaGetLastError();
}

#else

static cudaError_t open_library(void **library, const void *bytes) {
   (void)library, (void)bytes;
   return cudaErrorNotSupported;
}

static cudaError_t get_kernel(const void **kernel, void *library, const char *name) {
   (void)kernel, (void)library, (void)name;
   return cudaErrorNotSupported;
}

static void close_library(void *library) {
   (void)library;
}

#endif

// ---- loading ----

// The driver may put off what it has to do for a kernel to its first launch, which may be recorded; asked for
// what the kernel takes, it does it.
static ScStatus find_kernels(ScOwnCode *code, const char *what) {
   struct cudaFuncAttributes found;
   int n = 0;
   for (int i = 0; i < SC_OWN_KERNELS; i++) {
      cudaError_t error = get_kernel(&code->kernels[i], code->library, names[i]);
      if (error == cudaErrorSymbolNotFound) {
         cudaGetLastError();
         code->kernels[i] = NULL;
         continue;
      }
      if (error == cudaSuccess) error = cudaFuncGetAttributes(&found, code->kernels[i]);
      SC_CUDA_TRY(error, what);
      n++;
   }
   return n > 0 ? SC_OK : sc_fail(SC_EARG, "%s: there is no kernel in the code", what);
}

static ScStatus load(ScOwnCode *code, const void *bytes, const char *what) {
   ScOwnCode loaded = {0};
   SC_CUDA_TRY(open_library(&loaded.library, bytes), what);
   ScStatus status = find_kernels(&loaded, what);
   if (status == SC_OK)
      *code = loaded;
   else
      close_library(loaded.library);
   return status;
}

// Also while a graph is recorded: it is a matter of the program, not of the stream.
ScStatus sc_own_code_load(ScDevice *device, const ScOp *op, ScDtype dtype, const void *bytes) {
   Codes *codes;
   SC_TRY(sc_cuda_use(device));
   SC_TRY(codes_of((ScOwnOp *)op, &codes));
   ScOwnCode *code = &codes->of[device->index][dtype];
   if (code->library) return SC_OK;
   enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
   SC_CUDA_TRY(cudaThreadExchangeStreamCaptureMode(&mode), op->name);
   ScStatus status = load(code, bytes, op->name);
   if (cudaThreadExchangeStreamCaptureMode(&mode) != cudaSuccess) cudaGetLastError();
   return status;
}

void sc_own_code_close(const ScDevice *device) {
   for (Codes *codes = all; codes; codes = codes->next) {
      for (int dtype = 0; dtype < SC_NDTYPE; dtype++) {
         ScOwnCode *code = &codes->of[device->index][dtype];
         if (code->library) close_library(code->library);
         *code = (ScOwnCode){0};
      }
   }
}

// ---- using it ----

ScStatus sc_own_code_find(const ScCall *c, ScDtype dtype, const ScOwnCode **out) {
   ScOwnOp *own = (ScOwnOp *)sc_own_op(c);
   Codes *codes;
   SC_TRY(codes_of(own, &codes));
   *out = &codes->of[c->device->index][dtype];
   return (*out)->library ? SC_OK : sc_own_op_prepare(own, c->device, dtype);
}

ScStatus sc_own_code_launch(const ScCall *c, const ScOwnCode *code, ScOwnKernel kernel, dim3 grid, dim3 block,
                            void **arguments) {
   SC_TRY(sc_cuda_use(c->device));
   const void *function = code->kernels[kernel];
   if (!function) return sc_fail(SC_EUNSUPPORTED, "%s: there is no kernel '%s'", c->op->name, names[kernel]);
   return sc_cuda_status(cudaLaunchKernel(function, grid, block, arguments, 0, sc_cuda_stream(c->device)),
                         c->op->name);
}
