// The device "shape": tensors without values. Every op checks its arguments and says what shape comes out, and
// nothing is computed or allocated, so that a model of any size can be built, counted and printed at once.
#include "host/core/register.h"

static char nothing; // what every buffer points to

static ScStatus allocate(ScDevice *device, size_t bytes, void **out) {
   (void)device, (void)bytes;
   *out = &nothing;
   return SC_OK;
}

static void release(ScDevice *device, void *data, size_t bytes) {
   (void)device, (void)data, (void)bytes;
}

static ScStatus accept(ScDevice *device, void *to, const void *from, size_t bytes) {
   (void)device, (void)to, (void)from, (void)bytes;
   return SC_OK;
}

static ScStatus refuse(ScDevice *device, void *to, const void *from, size_t bytes) {
   (void)device, (void)to, (void)from, (void)bytes;
   return sc_fail(SC_EARG, "a tensor on the device 'shape' has a shape and no values; compute on cpu");
}

static ScBackend shape = {.name = "shape",
                          .shapes_only = true,
                          .allocate = allocate,
                          .release = release,
                          .upload = accept,
                          .download = refuse,
                          .copy = accept};
SC_BACKEND(shape)
