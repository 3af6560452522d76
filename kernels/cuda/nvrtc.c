#define _GNU_SOURCE // dladdr
#include "kernels/cuda/nvrtc.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <limits.h>
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/shared_library.h"
#include "kernels/cuda/capability.h"

static struct {
   __typeof__(nvrtcGetErrorString) *error_string;
   __typeof__(nvrtcVersion) *version;
   __typeof__(nvrtcGetNumSupportedArchs) *count_archs;
   __typeof__(nvrtcGetSupportedArchs) *archs;
   __typeof__(nvrtcCreateProgram) *create;
   __typeof__(nvrtcDestroyProgram) *destroy;
   __typeof__(nvrtcCompileProgram) *compile;
   __typeof__(nvrtcGetProgramLogSize) *log_size;
   __typeof__(nvrtcGetProgramLog) *log;
   __typeof__(nvrtcGetCUBINSize) *cubin_size;
   __typeof__(nvrtcGetCUBIN) *cubin;
   __typeof__(nvrtcGetPTXSize) *ptx_size;
   __typeof__(nvrtcGetPTX) *ptx;
} nvrtc;

static const ScSymbol symbols[] = {
    {"nvrtcGetErrorString", &nvrtc.error_string},
    {"nvrtcVersion", &nvrtc.version},
    {"nvrtcGetNumSupportedArchs", &nvrtc.count_archs},
    {"nvrtcGetSupportedArchs", &nvrtc.archs},
    {"nvrtcCreateProgram", &nvrtc.create},
    {"nvrtcDestroyProgram", &nvrtc.destroy},
    {"nvrtcCompileProgram", &nvrtc.compile},
    {"nvrtcGetProgramLogSize", &nvrtc.log_size},
    {"nvrtcGetProgramLog", &nvrtc.log},
    {"nvrtcGetCUBINSize", &nvrtc.cubin_size},
    {"nvrtcGetCUBIN", &nvrtc.cubin},
    {"nvrtcGetPTXSize", &nvrtc.ptx_size},
    {"nvrtcGetPTX", &nvrtc.ptx},
    {0},
};

// ---- opening ----

// That of the runtime's own major version: a driver need not take the code of a later one. Packages of Python
// have a folder for each library.
#if CUDART_VERSION >= 13000
#define LIBRARY "libnvrtc.so.13"
#else
#define LIBRARY "libnvrtc.so.12"
#endif

// The folder of the CUDA runtime, without a slash at its end.
static void runtime_folder(char folder[PATH_MAX]) {
   Dl_info info;
   bool found = dladdr((const void *)cudaGetDeviceCount, &info) && info.dli_fname;
   snprintf(folder, PATH_MAX, "%s", found ? info.dli_fname : "");
   char *slash = strrchr(folder, '/');
   if (slash) *slash = 0;
}

static ScStatus open_library(void) {
   static char beside[PATH_MAX + 32], apart[PATH_MAX + 64];
   static const char *const files[] = {beside, apart, LIBRARY, NULL};
   static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "cuda-nvrtc"};
   char folder[PATH_MAX];
   runtime_folder(folder);
   snprintf(beside, sizeof beside, "%s/%s", folder, LIBRARY);
   snprintf(apart, sizeof apart, "%s/../../cuda_nvrtc/lib/%s", folder, LIBRARY);
   ScStatus status = sc_shared_library_open(&library);
   if (status == SC_EUNSUPPORTED)
      return sc_fail(
          SC_EUNSUPPORTED,
          "a kernel is compiled for a GPU by NVRTC, and there is no %s beside the CUDA runtime (%s) or in the "
          "library path (LD_LIBRARY_PATH): install it (Debian, Ubuntu: NVIDIA's cuda-nvrtc; pip: "
          "nvidia-cuda-nvrtc), or use --device cpu",
          LIBRARY, folder);
   return status;
}

// ---- statuses ----

static ScStatus told(nvrtcResult result, const char *what) {
   if (result == NVRTC_SUCCESS) return SC_OK;
   const char *text = nvrtc.error_string(result);
   if (result == NVRTC_ERROR_OUT_OF_MEMORY)
      return sc_fail(SC_EMEM, "%s: NVRTC: out of memory (%s); the computer's memory is short", what, text);
   return sc_fail(SC_EDEVICE,
                  "%s: NVRTC failed (%s); is the NVRTC found that belongs to this CUDA? See LD_LIBRARY_PATH",
                  what, text);
}

#define NVRTC_TRY(expression, what) SC_TRY(told((expression), (what)))

// ---- which architecture ----

enum { MOST_ARCHS = 64 };

// Code of the newest architecture that is not newer than the card serves it if it is of the same generation;
// else its PTX does.
static ScStatus choose_arch(const ScDevice *device, char arch[16]) {
   static const char WHAT[] = "asking for the GPUs that NVRTC knows";
   int card = sc_cuda_capability(device), n, known[MOST_ARCHS], best = 0;
   NVRTC_TRY(nvrtc.count_archs(&n), WHAT);
   if (n < 1 || n > MOST_ARCHS) return told(NVRTC_ERROR_INTERNAL_ERROR, WHAT);
   NVRTC_TRY(nvrtc.archs(known), WHAT);
   for (int i = 0; i < n; i++)
      if (known[i] <= card) best = known[i];
   if (!best)
      return sc_fail(
          SC_EUNSUPPORTED,
          "%s has compute capability %d.%d, for which this NVRTC does not compile (from %d.%d on): install "
          "that of an older CUDA, or use --device cpu",
          device->name, card / 10, card % 10, known[0] / 10, known[0] % 10);
   snprintf(arch, 16, "%s_%d", best / 10 == card / 10 ? "sm" : "compute", best);
   return SC_OK;
}

ScStatus sc_nvrtc_compiler(ScDevice *device, char name[64]) {
   int major, minor;
   char arch[16];
   SC_TRY(open_library());
   NVRTC_TRY(nvrtc.version(&major, &minor), "asking for NVRTC's version");
   SC_TRY(choose_arch(device, arch));
   snprintf(name, 64, "NVRTC %d.%d for %s", major, minor, arch);
   return SC_OK;
}

// ---- compiling ----

// "kernel 'mish', forward(2): error: identifier "tahn" is undefined", the first such line of several.
static ScStatus fail_with_log(const char *log) {
   static const char ERROR[] = "): error: ", WORST[] = "): catastrophic error: ";
   const char *error = strstr(log, ERROR), *text = error ? error + sizeof ERROR - 1 : NULL;
   if (!error && (error = strstr(log, WORST))) text = error + sizeof WORST - 1;
   if (!error) return sc_fail(SC_EARG, "NVRTC does not compile this: %.*s", (int)strcspn(log, "\n"), log);
   const char *start = error, *bracket = error;
   while (start > log && start[-1] != '\n') start--;
   while (bracket > start && *bracket != '(') bracket--;
   return sc_fail(SC_EARG, "%.*s, line %d: %.*s", (int)(bracket - start), start, atoi(bracket + 1),
                  (int)strcspn(text, "\n"), text);
}

static ScStatus tell_log(nvrtcProgram program, nvrtcResult result) {
   size_t size = 0;
   char *log = nvrtc.log_size(program, &size) == NVRTC_SUCCESS ? calloc(1, size + 1) : NULL;
   ScStatus status = log && nvrtc.log(program, log) == NVRTC_SUCCESS ? fail_with_log(log)
                                                                     : told(result, "compiling a kernel");
   free(log);
   return status;
}

typedef nvrtcResult Size(nvrtcProgram, size_t *);
typedef nvrtcResult Get(nvrtcProgram, char *);

static ScStatus take(nvrtcProgram program, Size *size, Get *get, void **code, size_t *bytes) {
   static const char WHAT[] = "taking a kernel's code";
   NVRTC_TRY(size(program, bytes), WHAT);
   char *taken = malloc(*bytes + 1);
   if (!taken) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = told(get(program, taken), WHAT);
   if (status != SC_OK) return free(taken), status;
   *code = taken;
   return SC_OK;
}

static ScStatus compile(nvrtcProgram program, const char *arch, void **code, size_t *bytes) {
   char option[48];
   snprintf(option, sizeof option, "--gpu-architecture=%s", arch);
   nvrtcResult result = nvrtc.compile(program, 2, (const char *const[]){option, "--std=c++17"});
   if (result == NVRTC_ERROR_COMPILATION) return tell_log(program, result);
   NVRTC_TRY(result, "compiling a kernel");
   return *arch == 's' ? take(program, nvrtc.cubin_size, nvrtc.cubin, code, bytes)
                       : take(program, nvrtc.ptx_size, nvrtc.ptx, code, bytes);
}

ScStatus sc_nvrtc_compile(ScDevice *device, const char *source, void **code, size_t *bytes) {
   nvrtcProgram program;
   char arch[16];
   SC_TRY(open_library());
   SC_TRY(choose_arch(device, arch));
   NVRTC_TRY(nvrtc.create(&program, source, "kernel", 0, NULL, NULL), "compiling a kernel");
   ScStatus status = compile(program, arch, code, bytes);
   nvrtc.destroy(&program);
   return status;
}
