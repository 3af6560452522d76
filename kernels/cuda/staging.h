// Copies between host memory, which programs allocate as they like, and the device: through pinned memory,
// which alone can be copied while the program goes on.
#ifndef SCUTE_CUDA_STAGING_H
#define SCUTE_CUDA_STAGING_H

#include "host/core/device.h"

// Returns as soon as `from` has been read; the device's work that follows finds the content in place. Large
// uploads overlap with the work before them.
ScStatus sc_cuda_upload(ScDevice *, void *to, const void *from, size_t bytes);
// Waits for the device's work so far.
ScStatus sc_cuda_download(ScDevice *, void *to, const void *from, size_t bytes);
// A download that is begun in order with the device's work and waited for when it is ended; see
// host/core/device.h.
ScStatus sc_cuda_begin_read(ScDevice *, const void *from, size_t bytes, void **ticket);
ScStatus sc_cuda_end_read(ScDevice *, void *ticket, void *to, size_t bytes);

// Gives up what the device's staging holds; no copy may be under way.
void sc_staging_close(const ScDevice *);

#endif
