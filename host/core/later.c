#include "host/core/later.h"

#include <stdlib.h>

#include "host/core/device.h"

struct ScLater {
   ScDevice *device;
   void *ticket;   // NULL: the values are there
   ScTensor *host; // where they go
   ScStatus failed;
};

static ScStatus begin(ScLater *later, const ScTensor *t) {
   const ScBackend *backend = t->device->backend;
   if (backend->host_memory || backend->shapes_only) return sc_tensor_alias(&later->host, t, t->rank, t->shape);
   SC_TRY(sc_tensor_new(&later->host, sc_device_cpu(), t->dtype, t->rank, t->shape));
   if (!backend->begin_read)
      return backend->download(t->device, later->host->buffer->data, t->buffer->data, sc_nbytes(t));
   return backend->begin_read(t->device, t->buffer->data, sc_nbytes(t), &later->ticket);
}

ScStatus sc_later_begin(ScLater **out, const ScTensor *t) {
   ScLater *later = calloc(1, sizeof *later);
   if (!later) return sc_fail(SC_EMEM, "out of memory");
   later->device = t->device;
   ScStatus status = sc_name_tensor(begin(later, t), "reading", t, t->device);
   if (status != SC_OK) {
      sc_later_free(later);
      return status;
   }
   *out = later;
   return SC_OK;
}

static ScStatus end(ScLater *later, void *to) {
   void *ticket = later->ticket;
   later->ticket = NULL;
   ScStatus status = later->device->backend->end_read(later->device, ticket, to, sc_nbytes(later->host));
   return sc_name_tensor(status, "reading", later->host, later->device);
}

ScStatus sc_later_get(ScLater *later, ScTensor **out) {
   if (later->ticket) later->failed = end(later, later->host->buffer->data);
   if (later->failed != SC_OK) return later->failed;
   *out = later->host;
   return SC_OK;
}

void sc_later_free(ScLater *later) {
   if (!later) return;
   if (later->ticket) end(later, NULL);
   sc_tensor_release(later->host);
   free(later);
}
