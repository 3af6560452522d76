#include "host/core/copy.h"

#include <stdlib.h>

#include "host/core/dispatch.h"
#include "host/core/transfer.h"

// Within a device whose memory the CPU cannot reach: its own conversion makes the new content.
static ScStatus copy_within(ScTensor *to, const ScTensor *from) {
   ScTensor *converted;
   SC_TRY(sc_tensor_convert(&converted, from, to->dtype));
   sc_buffer_release(to->buffer);
   to->buffer = sc_buffer_retain(converted->buffer);
   sc_tensor_release(converted);
   sc_tensor_touch(to);
   return SC_OK;
}

// *content, of `from`, in the dtype of `to`: as it is, or a copy in *converted.
static ScStatus convert_content(const ScTensor *to, const ScTensor *from, const void **content,
                                void **converted) {
   *converted = NULL;
   if (to->dtype == from->dtype) return SC_OK;
   *converted = malloc(sc_nbytes(to));
   if (!*converted) return sc_fail(SC_EMEM, "out of memory");
   sc_convert(to->dtype, *converted, from->dtype, *content, sc_numel(to));
   *content = *converted;
   return SC_OK;
}

// Same shape means same memory order, so elements correspond one to one.
ScStatus sc_tensor_copy(ScTensor *to, const ScTensor *from) {
   if (!sc_same_shape(to, from))
      return sc_fail(SC_EARG, "copy_: expected shape %s, found %s", sc_shape_text(to), sc_shape_text(from));
   if (to->device->backend->shapes_only) return SC_OK;
   if (to->device == from->device && !to->device->backend->host_memory) return copy_within(to, from);
   if (to->buffer == from->buffer && to->dtype == from->dtype) return SC_OK;
   void *downloaded, *converted;
   const void *content;
   SC_TRY(sc_tensor_content(from, &content, &downloaded));
   ScStatus status = convert_content(to, from, &content, &converted);
   if (status == SC_OK) status = sc_tensor_own(to, false);
   if (status == SC_OK) {
      status = to->device->backend->upload(to->device, to->buffer->data, content, sc_nbytes(to));
      sc_tensor_touch(to);
   }
   free(downloaded);
   free(converted);
   const ScTensor *far = to->device->backend->host_memory ? from : to;
   return sc_name_tensor(status, "copying", far, far->device);
}
