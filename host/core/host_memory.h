// The memory functions of backends whose buffers are host memory.
#ifndef SCUTE_HOST_MEMORY_H
#define SCUTE_HOST_MEMORY_H

#include "host/core/device.h"

ScStatus sc_host_allocate(ScDevice *, size_t bytes, void **out);
void sc_host_release(ScDevice *, void *, size_t bytes);
ScStatus sc_host_transfer(ScDevice *, void *to, const void *from, size_t bytes);

#define SC_HOST_MEMORY                                                                                         \
   .host_memory = true, .allocate = sc_host_allocate, .release = sc_host_release, .upload = sc_host_transfer,  \
   .download = sc_host_transfer, .copy = sc_host_transfer

#endif
