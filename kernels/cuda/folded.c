#include "kernels/cuda/folded.h"

#include <string.h>

#include "host/ops/conv2d.h"
#include "kernels/cuda/conv2d_fold.h"

enum { MOST = 1024, FIRST = SC_CONV_WEIGHT, SOURCES = SC_FOLDED_VAR - FIRST + 1 };

typedef struct {
   const ScDevice *device;
   uint64_t stamp[SOURCES]; // of the contents it was made from; 0: there is none
   ScDtype dtype;
   double eps;
   ScBuffer *buffer; // weights, shift, and in half width the narrow shift, each aligned
   uint64_t used;
} Entry;

static Entry entries[MOST];
static int count;
static uint64_t clock_;

static void drop(int index) {
   sc_buffer_release(entries[index].buffer);
   entries[index] = entries[--count];
}

void sc_folded_forget(uint64_t stamp) {
   for (int i = count - 1; i >= 0; i--)
      for (int s = 0; s < SOURCES; s++)
         if (entries[i].stamp[s] == stamp) {
            drop(i);
            break;
         }
}

void sc_folded_drop(const ScDevice *device) {
   for (int i = count - 1; i >= 0; i--)
      if (entries[i].device == device) drop(i);
}

static Entry wanted(const ScCall *c) {
   Entry entry = {.device = c->device, .dtype = c->in[SC_CONV_X]->dtype, .eps = c->attr[SC_FOLDED_EPS].f};
   for (int i = 0; i < SOURCES; i++)
      if (c->in[FIRST + i]) entry.stamp[i] = c->in[FIRST + i]->buffer->stamp;
   return entry;
}

static Entry *find(const Entry *like) {
   for (int i = 0; i < count; i++) {
      Entry *entry = &entries[i];
      if (entry->device == like->device && entry->dtype == like->dtype && entry->eps == like->eps &&
          memcmp(entry->stamp, like->stamp, sizeof like->stamp) == 0)
         return entry;
   }
   return NULL;
}

// ---- where the parts lie in the buffer ----

static size_t aligned(size_t bytes) {
   return (bytes + 255) / 256 * 256;
}

static size_t shift_at(const ScCall *c) {
   return aligned((size_t)sc_numel(c->in[SC_CONV_WEIGHT]) * sc_dtype_size(c->in[SC_CONV_X]->dtype));
}

static size_t shift_bytes(const ScCall *c) {
   return aligned((size_t)c->in[SC_CONV_WEIGHT]->shape[0] * sizeof(float));
}

static ScFolded parts(const ScCall *c, const ScBuffer *buffer) {
   char *weights = buffer->data, *shift = weights + shift_at(c);
   bool half = sc_dtype_is_half(c->in[SC_CONV_X]->dtype);
   return (ScFolded){weights, (float *)shift, half ? shift + shift_bytes(c) : shift};
}

// ----

static ScStatus make(const ScCall *c, Entry *entry) {
   SC_TRY(sc_buffer_new(&entry->buffer, (ScDevice *)c->device, shift_at(c) + 2 * shift_bytes(c)));
   ScFolded f = parts(c, entry->buffer);
   ScStatus status = sc_cuda_fold(c, f.weights, f.shift, f.narrow_shift);
   if (status != SC_OK) sc_buffer_release(entry->buffer);
   return status;
}

static void drop_least_used(void) {
   int oldest = 0;
   for (int i = 1; i < count; i++)
      if (entries[i].used < entries[oldest].used) oldest = i;
   drop(oldest);
}

// A source tells when its content changes or goes.
static Entry *keep(const ScCall *c, const Entry *made) {
   if (count == MOST) drop_least_used();
   for (int i = 0; i < SOURCES; i++)
      if (c->in[FIRST + i]) c->in[FIRST + i]->buffer->packed = true;
   entries[count] = *made;
   return &entries[count++];
}

ScStatus sc_folded_find(const ScCall *c, ScFolded *out) {
   Entry made = wanted(c), *entry = find(&made);
   if (!entry) {
      SC_TRY(make(c, &made));
      entry = keep(c, &made);
   }
   entry->used = ++clock_;
   *out = parts(c, entry->buffer);
   return SC_OK;
}
