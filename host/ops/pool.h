// Attributes and geometry of the pooling ops.
#ifndef SCUTE_OPS_POOL_H
#define SCUTE_OPS_POOL_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

enum { SC_POOL_KERNEL, SC_POOL_STRIDE, SC_POOL_PADDING, SC_POOL_CEIL_MODE, SC_POOL_INCLUDE_PAD };

typedef struct {
   int64_t n, c, h, w, oh, ow, kh, kw, sh, sw, ph, pw;
} ScPool2d;

// Of a checked call of max_pool2d or avg_pool2d.
ScPool2d sc_pool_geometry(const ScCall *);

// The rows (or columns) of the input that window `o` covers: [*from, *to). Returns the divisor that counts
// padding too, which does not reach beyond the padded input.
static inline int64_t sc_pool_window(int64_t o, int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                                     int64_t *from, int64_t *to) {
   int64_t start = o * stride - padding, end = start + kernel;
   if (end > size + padding) end = size + padding;
   *from = start < 0 ? 0 : start;
   *to = end > size ? size : end;
   return end - start;
}

SC_API_END

#endif
