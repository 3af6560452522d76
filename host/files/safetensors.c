#include "host/files/safetensors.h"

#include <stdlib.h>

#include "host/files/header.h"

static ScStatus read_tensor(const ScSource *source, const ScHeader *header, const ScHeaderItem *item,
                            ScDevice *device, ScState *out) {
   size_t bytes = (size_t)(item->end - item->begin);
   void *data = malloc(bytes);
   if (!data)
      return sc_fail(SC_EMEM, "out of memory: entry '%s' of %s has %zu bytes", item->name, source->path, bytes);
   ScTensor *tensor;
   ScStatus status = sc_source_read(source, header->data + item->begin, data, bytes);
   if (status == SC_OK)
      status = sc_file_tensor(&tensor, device, item->type, item->rank, item->shape, NULL, data);
   free(data);
   SC_TRY(status);
   return sc_state_add(out, item->name, tensor);
}

static ScStatus read_all(const ScSource *source, const ScHeader *header, ScDevice *device, ScState *out) {
   SC_TRY(sc_header_annotate(header, out));
   for (int i = 0; i < header->n; i++) SC_TRY(read_tensor(source, header, &header->items[i], device, out));
   return SC_OK;
}

ScStatus sc_safetensors_read(const ScSource *source, ScDevice *device, ScState *out) {
   ScHeader header;
   SC_TRY(sc_header_read(&header, source));
   ScStatus status = read_all(source, &header, device, out);
   if (status != SC_OK) sc_state_free(out);
   sc_header_free(&header);
   return status;
}
