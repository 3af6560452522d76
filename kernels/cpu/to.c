// Conversion of the element type. bfloat16 from and to float32, the storage of half-width models, is
// vectorised.
#include <string.h>

#include "host/core/op.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

SC_CLONES static void widen_bf16(float *restrict to, const uint16_t *from, int64_t n) {
   for (int64_t i = 0; i < n; i++) {
      uint32_t bits = (uint32_t)from[i] << 16;
      memcpy(&to[i], &bits, sizeof bits);
   }
}

// To nearest even, NaN stays NaN: as sc_f32_to_bf16.
SC_CLONES static void narrow_bf16(uint16_t *restrict to, const float *from, int64_t n) {
   for (int64_t i = 0; i < n; i++) {
      uint32_t bits;
      memcpy(&bits, &from[i], sizeof bits);
      uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
      to[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
   }
}

static void convert(ScDtype to_dtype, void *to, ScDtype from_dtype, const void *from, int64_t n) {
   if (to_dtype == SC_F32 && from_dtype == SC_BF16)
      widen_bf16(to, from, n);
   else if (to_dtype == SC_BF16 && from_dtype == SC_F32)
      narrow_bf16(to, from, n);
   else
      sc_convert(to_dtype, to, from_dtype, from, n);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   size_t from_size = sc_dtype_size(x->dtype), to_size = sc_dtype_size(y->dtype);
   int64_t n = sc_numel(x);
#pragma omp parallel for if (n > 2 * BLOCK)
   for (int64_t i = 0; i < n; i += BLOCK)
      convert(y->dtype, (char *)y->buffer->data + (size_t)i * to_size, x->dtype,
              (const char *)x->buffer->data + (size_t)i * from_size, n - i < BLOCK ? n - i : BLOCK);
   return SC_OK;
}

SC_KERNEL(cpu, to, .dtypes = SC_ALL_DTYPES, .forward = forward)
