#include "host/files/file_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/transfer.h"

static void *widened(const void *data, int64_t n) {
   int64_t *wide = malloc((size_t)n * sizeof *wide);
   for (int64_t i = 0; wide && i < n; i++) {
      int32_t value;
      memcpy(&value, (const char *)data + i * (int64_t)sizeof value, sizeof value);
      wide[i] = value;
   }
   return wide;
}

ScStatus sc_file_tensor(ScTensor **out, ScDevice *device, const ScFileType *type, int rank,
                        const int64_t *shape, const void *data) {
   ScTensor *tensor;
   SC_TRY(sc_tensor_new(&tensor, device, type->dtype, rank, shape));
   bool narrow = (size_t)type->size < sc_dtype_size(type->dtype);
   void *wide = narrow ? widened(data, sc_numel(tensor)) : NULL;
   ScStatus status =
       narrow && !wide ? sc_fail(SC_EMEM, "out of memory") : sc_tensor_write(tensor, narrow ? wide : data);
   free(wide);
   if (status != SC_OK) {
      sc_tensor_release(tensor);
      return status;
   }
   *out = tensor;
   return SC_OK;
}
