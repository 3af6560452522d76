#include "kernels/cpu/packed.h"

#include <string.h>

enum { MOST = 1024 };

static ScPacked entries[MOST];
static int count;
static uint64_t clock_;

static void drop(int index) {
   ScPacked dead = entries[index];
   entries[index] = entries[--count];
   for (int i = 0; i < SC_PACK_PARTS; i++) sc_buffer_release(dead.part[i]);
   if (dead.layout) dnnl_memory_desc_destroy(dead.layout);
}

static void read_stamps(uint64_t stamps[SC_PACK_SOURCES], int n, ScTensor *const *sources) {
   memset(stamps, 0, SC_PACK_SOURCES * sizeof *stamps);
   for (int i = 0; i < n; i++)
      if (sources[i]) stamps[i] = sources[i]->buffer->stamp;
}

static bool same_layout(const_dnnl_memory_desc_t a, const_dnnl_memory_desc_t b) {
   return a && b ? dnnl_memory_desc_equal(a, b) : a == b;
}

ScPacked *sc_packed_find(int n, ScTensor *const *sources, int64_t purpose, const_dnnl_memory_desc_t layout) {
   uint64_t stamps[SC_PACK_SOURCES];
   read_stamps(stamps, n, sources);
   for (int i = 0; i < count; i++) {
      ScPacked *entry = &entries[i];
      if (entry->purpose != purpose || memcmp(entry->stamp, stamps, sizeof stamps) != 0) continue;
      if (!same_layout(entry->layout, layout)) continue;
      entry->used = ++clock_;
      return entry;
   }
   return NULL;
}

static void drop_least_used(void) {
   int oldest = 0;
   for (int i = 1; i < count; i++)
      if (entries[i].used < entries[oldest].used) oldest = i;
   drop(oldest);
}

ScStatus sc_packed_add(int n, ScTensor *const *sources, int64_t purpose, const_dnnl_memory_desc_t layout,
                       ScBuffer *const part[SC_PACK_PARTS], ScPacked **out) {
   ScPacked entry = {.purpose = purpose, .used = ++clock_};
   memcpy(entry.part, part, sizeof entry.part);
   if (layout && sc_dnnl.memory_desc_clone(&entry.layout, layout) != dnnl_success) {
      for (int i = 0; i < SC_PACK_PARTS; i++) sc_buffer_release(part[i]);
      return sc_fail(SC_EMEM, "out of memory");
   }
   read_stamps(entry.stamp, n, sources);
   if (count == MOST) drop_least_used();
   entries[count] = entry;
   *out = &entries[count++];
   for (int i = 0; i < n; i++)
      if (sources[i]) sources[i]->buffer->packed = true;
   return SC_OK;
}

void sc_packed_forget(uint64_t stamp) {
   for (int i = count - 1; i >= 0; i--)
      for (int s = 0; s < SC_PACK_SOURCES; s++)
         if (entries[i].stamp[s] == stamp) {
            drop(i);
            break;
         }
}

void sc_packed_flush(void) {
   while (count > 0) drop(count - 1);
}
