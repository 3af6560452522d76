// What the kernels of depthwise convolutions share: geometry, the walk over images, and the choice of a window.
#ifndef SCUTE_CUDA_DEPTHWISE_CUH
#define SCUTE_CUDA_DEPTHWISE_CUH

#include <type_traits>

#include "host/ops/conv2d.h"
#include "kernels/cuda/element.cuh"

enum { SC_NEIGHBOURS = 4 }; // pixels in a row that a thread has at a time

// From one image to another: forward from x to y, for the input's gradient from that of y to that of x.
struct ScSlide {
   int64_t images;
   int h, w, channels;                 // of the image that is written; for the filters' gradient, of y
   int from_h, from_w, from_c;         // of the one that is read
   int kh, kw, sh, sw, ph, pw, dh, dw; // padding before; how much there is after, sizes say
   int multiple;                       // output channels per input channel
};

static inline ScSlide sc_slide(const ScConv *g, bool back) {
   int h = (int)g->h, w = (int)g->w, c = (int)g->c, oh = (int)g->oh, ow = (int)g->ow, o = (int)g->o;
   return ScSlide{g->n,         back ? h : oh, back ? w : ow, back ? c : o, back ? oh : h, back ? ow : w,
                  back ? o : c, (int)g->kh,    (int)g->kw,    (int)g->sh,   (int)g->sw,    (int)g->ph,
                  (int)g->pw,   (int)g->dh,    (int)g->dw,    (int)g->og};
}

// Where the window's tap `tap` at `at` reads, or -1: outside of `size`, or backward between the strides.
template <bool BACK>
__device__ inline int sc_source(int at, int tap, int stride, int padding, int dilation, int size) {
   if constexpr (BACK) {
      int place = at + padding - tap * dilation, step = stride == 1 ? place : place / stride;
      return place >= 0 && step * stride == place && step < size ? step : -1;
   } else {
      int place = at * stride - padding + tap * dilation;
      return place >= 0 && place < size ? place : -1;
   }
}

// ---- from place to place in images of high x wide, by the same step each time, without division ----

struct ScPlace {
   int x, y;
   int64_t image;
};

template <typename I> __device__ inline ScPlace sc_place_as(I i, I wide, I high) {
   I row = i / wide, image = row / high;
   return {(int)(i - row * wide), (int)(row - image * high), (int64_t)image};
}

__device__ inline ScPlace sc_place(int64_t i, int wide, int high) {
   if (i <= INT32_MAX) return sc_place_as((uint32_t)i, (uint32_t)wide, (uint32_t)high);
   return sc_place_as(i, (int64_t)wide, (int64_t)high);
}

struct ScWalk {
   int wide, high;
   ScPlace at, step;
   __device__ ScWalk(int64_t from, int64_t by, int wide, int high)
       : wide(wide), high(high), at(sc_place(from, wide, high)), step(sc_place(by, wide, high)) {}
   __device__ void next() {
      at.x += step.x, at.y += step.y, at.image += step.image;
      if (at.x >= wide) at.x -= wide, at.y++;
      if (at.y >= high) at.y -= high, at.image++;
   }
};

// Of a row that is `wide`, channels from `column` on of the COLUMNS columns from number `start` on, to which
// `column` points; those outside of the row are 0. All are asked for before any is waited for, and as they lie:
// elements of sixteen bits would be moved one by one where a condition chooses between them and 0.
template <typename T, int N, int COLUMNS>
__device__ inline void sc_get_columns(const T *column, int start, int wide, int channels,
                                      float (&v)[COLUMNS][N]) {
   ScBits<T, N> read[COLUMNS] = {};
   const char *first = (const char *)column;
   int step = channels * (int)sizeof(T);
#pragma unroll
   for (int c = 0; c < COLUMNS; c++)
      if ((unsigned)(start + c) < (unsigned)wide) read[c] = *(const ScBits<T, N> *)(first + (int64_t)c * step);
#pragma unroll
   for (int c = 0; c < COLUMNS; c++) sc_widen_bits<T>(read[c], v[c]);
}

// ---- choices ----

// Windows that have kernels of their own, in which all loops over it are unrolled: square ones of networks,
// without dilation. 0: any other.
template <int SIZE, int STRIDE> struct ScWindow { static constexpr int K = SIZE, S = STRIDE; };

// Calls f with the window of s.
template <typename F> ScStatus sc_with_window(const ScSlide &s, F f) {
   bool plain = s.kh == s.kw && s.sh == s.sw && s.dh == 1 && s.dw == 1 && s.multiple == 1;
   if (plain && s.kw == 3 && s.sw == 1) return f(ScWindow<3, 1>());
   if (plain && s.kw == 3 && s.sw == 2) return f(ScWindow<3, 2>());
   if (plain && s.kw == 5 && s.sw == 1) return f(ScWindow<5, 1>());
   if (plain && s.kw == 5 && s.sw == 2) return f(ScWindow<5, 2>());
   if (plain && s.kw == 7 && s.sw == 1) return f(ScWindow<7, 1>());
   return f(ScWindow<0, 0>());
}

// Calls f with a value of the type.
template <typename F> ScStatus sc_with_conv_type(ScDtype dtype, F f) {
   switch (dtype) {
   case SC_F16: return f(__half());
   case SC_BF16: return f(__nv_bfloat16());
   default: return f(float());
   }
}

#endif
