#include "host/files/weights.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/transfer.h"
#include "host/files/file.h"
#include "host/files/pth.h"
#include "host/files/safetensors.h"

static ScStatus no_memory(void) {
   return sc_fail(SC_EMEM, "out of memory");
}

// Room for one more element in a growing array.
static bool grow(void **array, int n, int *capacity, size_t size) {
   if (n < *capacity) return true;
   int larger = *capacity ? 2 * *capacity : 64;
   void *grown = realloc(*array, (size_t)larger * size);
   if (!grown) return false;
   *array = grown;
   *capacity = larger;
   return true;
}

ScStatus sc_state_add(ScState *state, const char *name, ScTensor *tensor) {
   char *copy = strdup(name);
   if (!copy || !grow((void **)&state->entries, state->n, &state->capacity, sizeof *state->entries)) {
      free(copy);
      sc_tensor_release(tensor);
      return no_memory();
   }
   state->entries[state->n++] = (ScEntry){copy, tensor};
   return SC_OK;
}

ScStatus sc_state_annotate(ScState *state, const char *key, const char *value) {
   ScMetadata pair = {strdup(key), strdup(value)};
   if (!pair.key || !pair.value ||
       !grow((void **)&state->metadata, state->nmetadata, &state->metadata_capacity, sizeof *state->metadata)) {
      free(pair.key);
      free(pair.value);
      return no_memory();
   }
   state->metadata[state->nmetadata++] = pair;
   return SC_OK;
}

void sc_state_free(ScState *state) {
   for (int i = 0; i < state->n; i++) {
      free(state->entries[i].name);
      sc_tensor_release(state->entries[i].tensor);
   }
   for (int i = 0; i < state->nmetadata; i++) {
      free(state->metadata[i].key);
      free(state->metadata[i].value);
   }
   free(state->entries);
   free(state->metadata);
   *state = (ScState){0};
}

static void *widened(const void *data, int64_t n) {
   int64_t *wide = malloc((size_t)n * sizeof *wide);
   for (int64_t i = 0; wide && i < n; i++) {
      int32_t value;
      memcpy(&value, (const char *)data + i * (int64_t)sizeof value, sizeof value);
      wide[i] = value;
   }
   return wide;
}

ScStatus sc_weights_tensor(ScTensor **out, ScDevice *device, const ScFileType *type, int rank,
                           const int64_t *shape, const void *data) {
   ScTensor *tensor;
   SC_TRY(sc_tensor_new(&tensor, device, type->dtype, rank, shape));
   bool narrow = (size_t)type->size < sc_dtype_size(type->dtype);
   void *wide = narrow ? widened(data, sc_numel(tensor)) : NULL;
   ScStatus status = narrow && !wide ? no_memory() : sc_tensor_write(tensor, narrow ? wide : data);
   free(wide);
   if (status != SC_OK) {
      sc_tensor_release(tensor);
      return status;
   }
   *out = tensor;
   return SC_OK;
}

const char *sc_format_name(ScFormat format) {
   static const char *const names[] = {"safetensors", "pth (zip)", "pth (legacy)"};
   return names[format];
}

static ScStatus detect(const char *path, ScFormat *format) {
   int fd;
   int64_t size;
   SC_TRY(sc_file_open(path, &fd, &size));
   unsigned char head[9] = {0};
   ScStatus status = sc_file_read(fd, path, 0, head, size < 9 ? (size_t)size : 9);
   close(fd);
   SC_TRY(status);
   if (memcmp(head, "PK\3\4", 4) == 0)
      *format = SC_PTH_ZIP;
   else if (head[8] == '{' && memcmp(head, "\x80\2\x8a\n", 4) != 0) // a header's length may begin with 0x80 too
      *format = SC_SAFETENSORS;
   else if (head[0] == 0x80)
      *format = SC_PTH_LEGACY;
   else if (size < 9)
      return sc_fail(SC_EFORMAT, "%s is truncated: a weight file has more than %lld bytes", path,
                     (long long)size);
   else
      return sc_fail(SC_EFORMAT, "%s is not a weight file: expected .safetensors, .pth or .pt, found %s", path,
                     head[0] == '<' ? "a web page (was it a failed download?)" : "other content");
   return SC_OK;
}

ScStatus sc_weights_load(const char *path, ScDevice *device, ScState *out, ScFormat *format) {
   SC_TRY(detect(path, format));
   if (*format == SC_SAFETENSORS) return sc_safetensors_read(path, device, out);
   return sc_pth_read(path, device, out);
}
