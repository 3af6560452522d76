#include "kernels/cuda/conv_pad.h"

#include "kernels/cuda/rows.cuh"

namespace {

// From n photos to n of another size: pixel (0, 0) comes to lie at (top, left). What comes from outside is 0,
// what would go there is left out. Widths, and `left`, are in bytes, and in the kernel in units.
struct Frame {
   int64_t n, from_h, from_w, to_h, to_w, top, left;
};

template <typename U> __global__ void conv_pad(Frame f, const U *from, U *to) {
   int64_t n = f.n * f.to_h * f.to_w;
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      ScRowUnit p = n <= INT32_MAX ? sc_row_unit((uint32_t)f.to_w, (uint32_t)f.to_h, (uint32_t)i)
                                   : sc_row_unit(f.to_w, f.to_h, i);
      int64_t y = p.k - f.top, x = p.unit - f.left;
      U value = {};
      if (y >= 0 && y < f.from_h && x >= 0 && x < f.from_w) value = from[(p.o * f.from_h + y) * f.from_w + x];
      to[i] = value;
   }
}

template <typename U>
ScStatus launch(const ScDevice *device, const char *what, Frame f, const void *from, void *to) {
   const int64_t size = sizeof(U);
   f.from_w /= size, f.to_w /= size, f.left /= size;
   return sc_cuda_launch(device, what, conv_pad<U>, sc_cuda_grid(device, f.n * f.to_h * f.to_w), SC_CUDA_BLOCK,
                         0, f, (const U *)from, (U *)to);
}

ScStatus reframe(const ScDevice *device, const char *what, Frame f, const void *from, void *to) {
   uintptr_t bits =
       (uintptr_t)from | (uintptr_t)to | (uintptr_t)f.from_w | (uintptr_t)f.to_w | (uintptr_t)f.left;
   if (bits % 16 == 0) return launch<ScSixteen>(device, what, f, from, to);
   if (bits % 8 == 0) return launch<uint64_t>(device, what, f, from, to);
   if (bits % 4 == 0) return launch<uint32_t>(device, what, f, from, to);
   return launch<uint16_t>(device, what, f, from, to); // no dtype of a convolution is narrower
}

Frame frame_of(ScDtype dtype, const ScConv *g) {
   ScConv even = sc_conv_evened(g);
   int64_t pixel = g->c * (int64_t)sc_dtype_size(dtype);
   return {g->n, g->h, g->w * pixel, even.h, even.w * pixel, g->ph - even.ph, (g->pw - even.pw) * pixel};
}

// Photos grow by what one side has more, and both keep what the other has.
void even_out(int64_t *size, int64_t *before, int64_t *after) {
   int64_t less = *before < *after ? *before : *after;
   *size += *before + *after - 2 * less;
   *before = *after = less;
}

} // namespace

bool sc_conv_pads_evenly(const ScConv *g) {
   return g->ph == g->ph_end && g->pw == g->pw_end;
}

ScConv sc_conv_evened(const ScConv *g) {
   ScConv even = *g;
   even_out(&even.h, &even.ph, &even.ph_end);
   even_out(&even.w, &even.pw, &even.pw_end);
   return even;
}

ScStatus sc_conv_pad(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g, const void *x,
                     void *padded) {
   return reframe(device, what, frame_of(dtype, g), x, padded);
}

ScStatus sc_conv_cut(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                     const void *padded, void *x) {
   Frame f = frame_of(dtype, g);
   return reframe(device, what, {f.n, f.to_h, f.to_w, f.from_h, f.from_w, -f.top, -f.left}, padded, x);
}
