#include "kernels/cuda/stream.h"

#include "kernels/cuda/built_for.h"
#include "kernels/cuda/status.h"

typedef struct {
   cudaStream_t stream; // NULL until the device is used
   int threads;         // that are resident at once
} Stream;

static Stream streams[SC_MAXDEVICES];

// Who waits for the device sleeps: threads that decode photos need the processor. Streams are non-blocking:
// nothing here uses the default stream, and work that another library puts there is not to be waited for.
static ScStatus start(const ScDevice *device, Stream *s) {
   int processors, threads;
   SC_CUDA_TRY(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync), device->name);
   SC_CUDA_TRY(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device->index),
               device->name);
   SC_CUDA_TRY(cudaDeviceGetAttribute(&threads, cudaDevAttrMaxThreadsPerMultiProcessor, device->index),
               device->name);
   s->threads = processors * threads;
   SC_TRY(sc_cuda_find_code(device));
   SC_CUDA_TRY(cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking), device->name);
   return SC_OK;
}

ScStatus sc_cuda_use(const ScDevice *device) {
   SC_CUDA_TRY(cudaSetDevice(device->index), device->name);
   return streams[device->index].stream ? SC_OK : start(device, &streams[device->index]);
}

cudaStream_t sc_cuda_stream(const ScDevice *device) {
   return streams[device->index].stream;
}

int sc_cuda_resident_threads(const ScDevice *device) {
   return streams[device->index].threads;
}

void sc_stream_close(const ScDevice *device) {
   cudaStreamDestroy(streams[device->index].stream);
   streams[device->index] = (Stream){0};
}
