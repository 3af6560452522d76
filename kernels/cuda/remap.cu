// flip, roll, tile, expand, pad: see host/ops/remap.h.
#include "host/ops/expand.h"
#include "host/ops/flip.h"
#include "host/ops/pad.h"
#include "host/ops/roll.h"
#include "host/ops/tile.h"

#include "kernels/cuda/element.cuh"

namespace {

// The dimensions of the result as it lies, and the steps of an entry in x, in units.
struct Plan {
   int rank;
   int64_t n; // units of the result
   int64_t size[SC_MAXRANK], from[SC_MAXRANK];
   ScDimMap map[SC_MAXRANK];
};

__device__ inline int64_t modulo(int64_t a, int64_t n) {
   int64_t r = a >= 0 && a < n ? a : a % n;
   return r < 0 ? r + n : r;
}

// As sc_map_entry.
__device__ inline int64_t entry_of(const ScDimMap &m, int64_t k) {
   int64_t t = k - m.shift, last = m.n - 1;
   switch (m.kind) {
   case SC_MAP_FLIP: return m.first + last - t;
   case SC_MAP_WRAP: return m.first + modulo(t, m.n);
   case SC_MAP_REFLECT: return m.first + (t < 0 ? -t : t > last ? 2 * last - t : t);
   case SC_MAP_CLAMP: return m.first + (t < 0 ? 0 : t > last ? last : t);
   default: return t < 0 || t > last ? -1 : m.first + t;
   }
}

// Where unit `i` of the result comes from; 32-bit division is many times faster. -1: from nowhere.
template <typename I> __device__ inline int64_t source_of(const Plan &p, I i) {
   int64_t at = 0;
   bool outside = false;
   for (int d = p.rank - 1; d >= 0; d--) {
      I rest = d > 0 ? i / (I)p.size[d] : 0;
      int64_t entry = entry_of(p.map[d], (int64_t)(i - rest * (I)p.size[d]));
      outside |= entry < 0;
      at += entry * p.from[d];
      i = rest;
   }
   return outside ? -1 : at;
}

template <typename U> __global__ void remap(Plan p, U value, const U *x, U *y) {
   for (int64_t i = sc_thread(); i < p.n; i += sc_threads()) {
      int64_t at = p.n <= INT32_MAX ? source_of(p, (uint32_t)i) : source_of(p, i);
      y[i] = at < 0 ? value : x[at];
   }
}

// ---- units ----

struct alignas(16) Sixteen {
   uint64_t v[2];
};

bool stays(const ScDimMap &m, int64_t size) {
   return m.n == size && m.shift == 0 && m.first == 0 && m.kind != SC_MAP_FLIP;
}

// Of elements; the dimensions that stay as they are, at the end, are one.
Plan plan_of(const ScRemap &m, const ScTensor *x, const ScTensor *y) {
   int64_t from[SC_MAXRANK], to[SC_MAXRANK];
   int sorted[SC_MAXRANK], n = 0;
   sc_remap_strides(x, y, from), sc_strides(y, to);
   for (int d = 0; d < y->rank; d++) {
      if (y->shape[d] == 1 && stays(m.dim[d], 1)) continue;
      int at = n++;
      for (; at > 0 && to[sorted[at - 1]] < to[d] + (y->shape[d] == 1); at--) sorted[at] = sorted[at - 1];
      sorted[at] = d;
   }
   Plan p = {};
   p.n = sc_numel(y);
   for (int i = 0; i < n; i++) {
      int d = sorted[i], last = p.rank - 1;
      bool merges = last >= 0 && stays(m.dim[d], y->shape[d]) && stays(p.map[last], p.size[last]) &&
                    p.from[last] == from[d] * y->shape[d];
      if (!merges) p.size[++last] = 1, p.rank++;
      p.size[last] *= y->shape[d];
      p.from[last] = from[d];
      p.map[last] = m.dim[d];
      p.map[last].n = merges ? p.size[last] : m.dim[d].n;
   }
   return p;
}

// How many elements, a power of two of at most sixteen bytes, always stay together.
int together(const Plan &p, size_t element) {
   int last = p.rank - 1, most = 16 / (int)element;
   if (last < 0 || !stays(p.map[last], p.size[last]) || p.from[last] != 1) return 1;
   while (p.size[last] % most) most /= 2;
   for (int d = 0; d < last; d++)
      while (p.from[d] % most) most /= 2;
   return most;
}

template <typename U> ScStatus launch(const ScCall *c, Plan p, int unit, const void *value) {
   U filler;
   for (size_t at = 0; at < sizeof filler; at += sizeof filler / unit)
      memcpy((char *)&filler + at, value, sizeof filler / unit);
   int last = p.rank - 1;
   if (unit > 1) p.size[last] /= unit, p.map[last].n /= unit;
   for (int d = 0; d < last; d++) p.from[d] /= unit;
   p.n /= unit;
   return sc_cuda_launch(c->device, c->op->name, remap<U>, sc_cuda_grid(c->device, p.n), SC_CUDA_BLOCK, 0, p,
                         filler, sc_data<const U>(c->in[0]), sc_data<U>(c->out[0]));
}

ScStatus forward(ScCall *c, const ScRemap &m) {
   Plan p = plan_of(m, c->in[0], c->out[0]);
   ScDtype dtype = c->out[0]->dtype;
   size_t size = sc_dtype_size(dtype);
   int unit = together(p, size);
   unsigned char value[8];
   sc_store(dtype, value, 0, m.value);
   switch (unit * size) {
   case 16: return launch<Sixteen>(c, p, unit, value);
   case 8: return launch<uint64_t>(c, p, unit, value);
   case 4: return launch<uint32_t>(c, p, unit, value);
   case 2: return launch<uint16_t>(c, p, unit, value);
   default: return launch<uint8_t>(c, p, unit, value);
   }
}

// ---- the gradient of padding that repeats ----

// The first index after k, of `size`, that has entry `entry`, or -1; before all of them is k = -1.
__device__ inline int64_t next_of(const ScDimMap &m, int64_t size, int64_t entry, int64_t k) {
   int64_t t = entry - m.first, last = m.n - 1, from = t + m.shift, to = from;
   if (t < 0 || t > last) return -1;
   if (m.kind == SC_MAP_REFLECT) {
      int64_t back = m.shift - t, over = from + 2 * (last - t);
      int64_t at = back > k ? back : from > k ? from : over > k ? over : size;
      return at < size ? at : -1;
   }
   if (m.kind == SC_MAP_WRAP) {
      from = k < 0 ? modulo(from, m.n) : k + m.n;
      return from < size ? from : -1;
   }
   if (m.kind == SC_MAP_CLAMP && t == 0) from = 0;
   if (m.kind == SC_MAP_CLAMP && t == last) to = size - 1;
   int64_t at = from > k ? from : k + 1;
   return at <= to ? at : -1;
}

// A thread has an element of gx, whose dimensions are here as it lies, with those of gy beside them. Where the
// element has gone to is gone through dimension by dimension, the last one the fastest.
struct Back {
   int rank;
   int64_t n;
   int64_t size[SC_MAXRANK];                     // of gx
   int64_t size_out[SC_MAXRANK], to[SC_MAXRANK]; // of gy, and its strides
   ScDimMap map[SC_MAXRANK];
};

template <typename T> __device__ inline ScMath<T> sum_of(const Back &p, const int64_t *entry, const T *gy) {
   int64_t k[SC_MAXRANK], at = 0;
   for (int d = 0; d < p.rank; d++) {
      k[d] = next_of(p.map[d], p.size_out[d], entry[d], -1);
      if (k[d] < 0) return 0;
      at += k[d] * p.to[d];
   }
   ScMath<T> sum = 0;
   for (int d = p.rank - 1;;) {
      sum += sc_widen(gy[at]);
      for (d = p.rank - 1; d >= 0; d--) {
         int64_t next = next_of(p.map[d], p.size_out[d], entry[d], k[d]), before = k[d];
         k[d] = next >= 0 ? next : next_of(p.map[d], p.size_out[d], entry[d], -1);
         at += (k[d] - before) * p.to[d];
         if (next >= 0) break;
      }
      if (d < 0) return sum;
   }
}

template <typename T> __global__ void remap_backward(Back p, const T *gy, T *gx) {
   for (int64_t i = sc_thread(); i < p.n; i += sc_threads()) {
      int64_t entry[SC_MAXRANK], left = i;
      for (int d = p.rank - 1; d >= 0; d--) {
         entry[d] = left % p.size[d];
         left /= p.size[d];
      }
      gx[i] = sc_narrow<T>(sum_of(p, entry, gy));
   }
}

ScStatus backward(ScCall *c, const ScRemap &m) {
   const ScTensor *gx = c->grad_in[0], *gy = c->grad_out[0];
   int64_t in_x[SC_MAXRANK], in_y[SC_MAXRANK];
   sc_strides(gx, in_x), sc_strides(gy, in_y);
   Back p = {};
   p.n = sc_numel(gx);
   for (int d = 0; d < gx->rank; d++) {
      int at = 0;
      for (int e = 0; e < gx->rank; e++) at += in_x[e] > in_x[d] || (in_x[e] == in_x[d] && e < d);
      p.size[at] = gx->shape[d], p.size_out[at] = gy->shape[d], p.to[at] = in_y[d], p.map[at] = m.dim[d];
   }
   p.rank = gx->rank;
   return sc_with_float(gx->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, remap_backward<T>, sc_cuda_grid(c->device, p.n),
                            SC_CUDA_BLOCK, 0, p, sc_data<const T>(gy), sc_data<T>(gx));
   });
}

} // namespace

#define REMAP(name)                                                                                            \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, sc_##name##_map(c));                                                                   \
   }                                                                                                           \
   SC_KERNEL(cuda, name, .dtypes = SC_ALL_DTYPES, .forward = forward_##name, .backward = nullptr)

REMAP(flip)
REMAP(roll)
REMAP(tile)
REMAP(expand)
SC_KERNEL_OF(cuda, pad, SC_ALL_DTYPES, forward(c, sc_pad_map(c)), backward(c, sc_pad_map(c)))
