// Code that is loaded at run time: libraries, which the software GPU's NVRTC has compiled, and their kernels.
#include "library.h"
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <dlfcn.h>
#include <unistd.h>
#include "../image.h"
#include "runtime.h"

namespace sg {

namespace {

struct Loaded {
   std::map<std::string, const void *> functions;
   std::map<std::string, void *> handles; // of kernels that were asked for
   bool used = false;                     // by a launch, for one
};

struct Entry {
   const void *function;
   std::weak_ptr<Loaded> library;
};

Loaded *being_read;

void note(const char *name, const void *function) {
   being_read->functions[name] = function;
}

int device_arch() {
   int major = 0, minor = 0;
   cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, current_device());
   cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, current_device());
   return 10 * major + minor;
}

// A name of its own for each, as the loader takes files of one name for one library.
bool read_object(const char *data, size_t bytes, Loaded &into) {
   char path[] = "/tmp/softgpu-library-XXXXXX";
   int file = mkstemp(path);
   if (file < 0) return false;
   bool written = write(file, data, bytes) == ssize_t(bytes);
   close(file);
   void *library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : nullptr;
   if (!library) fprintf(stderr, "softgpu: %s\n", written ? dlerror() : "no room in /tmp");
   unlink(path);
   if (!library) return false;
   auto tell =
       reinterpret_cast<void (*)(void (*)(const char *, const void *))>(dlsym(library, "softgpu_kernels"));
   being_read = &into;
   tell(note);
   return true;
}

cudaError_t load(const char *code, Loaded &into) {
   const bool is_ptx = strncmp(code, ptx_magic, strlen(ptx_magic)) == 0;
   const std::string text = is_ptx ? image_of_text(code) : "";
   const cudaError_t bad = is_ptx ? cudaErrorInvalidPtx : cudaErrorInvalidKernelImage;
   if (is_ptx) code = text.data();
   ImageHeader header;
   if (memcmp(code, header.magic, sizeof header.magic) != 0) return cudaErrorInvalidKernelImage;
   memcpy(&header, code, sizeof header);
   code += sizeof header;
   if (header.checksum != image_checksum(code, header.bytes)) return bad;
   const int card = device_arch();
   if (header.arch > card || (!is_ptx && header.arch / 10 != card / 10)) return cudaErrorNoKernelImageForDevice;
   return read_object(code, header.bytes, into) ? cudaSuccess : cudaErrorUnknown;
}

} // namespace

const void *function_of_kernel(const void *function) {
   auto found = find<Entry>("kernel", function);
   if (!found && object_known(function)) violation("a launch of a %s", object_state(function));
   if (!found) return function;
   if (auto library = found->library.lock()) library->used = true;
   return found->function;
}

} // namespace sg

using namespace sg;

extern "C" {

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, enum cudaJitOption *, void **,
                                unsigned int jit_options, enum cudaLibraryOption *, void **,
                                unsigned int library_options) {
   CUDA_CALL("cudaLibraryLoadData");
   if (!library || !code) return call.done(cudaErrorInvalidValue);
   if (jit_options || library_options) violation("cudaLibraryLoadData: the software GPU knows no options");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   auto loaded = std::make_shared<Loaded>();
   cudaError_t error = load(static_cast<const char *>(code), *loaded);
   if (error == cudaSuccess) *library = static_cast<cudaLibrary_t>(object_add("library", loaded));
   return call.done(error);
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name) {
   CUDA_CALL("cudaLibraryGetKernel");
   auto loaded = find<Loaded>("library", library);
   if (!loaded) violation("cudaLibraryGetKernel: %s", object_state(library));
   if (!loaded) return call.done(cudaErrorInvalidResourceHandle);
   if (!kernel || !name) return call.done(cudaErrorInvalidValue);
   auto at = loaded->functions.find(name);
   if (at == loaded->functions.end()) return call.done(cudaErrorSymbolNotFound);
   void *&handle = loaded->handles[name];
   if (!handle) handle = object_add("kernel", std::make_shared<Entry>(Entry{at->second, loaded}));
   *kernel = static_cast<cudaKernel_t>(handle);
   return call.done();
}

// Does its work also where it fails. Work that is queued may still need the code.
cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
   RuntimeCall call("cudaLibraryUnload");
   auto loaded = find<Loaded>("library", library);
   if (!loaded) violation("cudaLibraryUnload: %s", object_state(library));
   if (!loaded) return call.done(cudaErrorInvalidResourceHandle);
   if (loaded->used && pending() > 0) violation("cudaLibraryUnload: work is queued that may use the library");
   for (auto &[name, handle] : loaded->handles) object_remove("kernel", handle);
   object_remove("library", library);
   return call.done();
}
}
