// What was made from the content of other buffers, chiefly filters in the layout that a convolution wants; kept
// until one of those changes or goes. Keyed by content stamps, so that nothing stale can be found.
#ifndef SCUTE_CPU_PACKED_H
#define SCUTE_CPU_PACKED_H

#include "host/core/tensor.h"
#include "kernels/cpu/onednn.h"

enum { SC_PACK_SOURCES = 6, SC_PACK_PARTS = 2 };

typedef struct {
   uint64_t stamp[SC_PACK_SOURCES]; // 0 where a source is absent
   int64_t purpose;                 // tells apart what is made differently from the same sources
   ScBuffer *part[SC_PACK_PARTS];
   dnnl_memory_desc_t layout; // of part 0; NULL where it is not one of oneDNN's
   uint64_t used;
} ScPacked;

// The entry for these sources (NULL is allowed), purpose and layout, or NULL.
ScPacked *sc_packed_find(int n, ScTensor *const *sources, int64_t purpose, const_dnnl_memory_desc_t layout);
// Keeps the parts (taken over, also on failure).
ScStatus sc_packed_add(int n, ScTensor *const *sources, int64_t purpose, const_dnnl_memory_desc_t layout,
                       ScBuffer *const part[SC_PACK_PARTS], ScPacked **out);
void sc_packed_forget(uint64_t stamp);
void sc_packed_flush(void);

#endif
