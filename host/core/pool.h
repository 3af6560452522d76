// What devices need from the allocator beyond buffers.
#ifndef SCUTE_POOL_H
#define SCUTE_POOL_H

#include "host/core/api.h"
#include "host/core/device.h"

SC_API_BEGIN

struct ScPool *sc_pool_new(void); // NULL when memory is short

// The memory functions of backends whose buffers are host memory.
ScStatus sc_host_allocate(ScDevice *, size_t bytes, void **out);
void sc_host_release(ScDevice *, void *, size_t bytes);
ScStatus sc_host_transfer(ScDevice *, void *to, const void *from, size_t bytes);

#define SC_HOST_MEMORY                                                                                         \
   .host_memory = true, .allocate = sc_host_allocate, .release = sc_host_release, .upload = sc_host_transfer,  \
   .download = sc_host_transfer, .copy = sc_host_transfer

SC_API_END

#endif
