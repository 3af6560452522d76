// Pooling: maximum and mean over windows, mean over the whole picture.
#include "host/ops/pool.h"

#define WINDOW                                                                                                 \
   {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W)"},                                              \
       {.name = "kernel", .kind = SC_PAIR, .doc = "size of the window, pixels"},                               \
       {.name = "stride",                                                                                      \
        .kind = SC_PAIR,                                                                                       \
        .optional = true,                                                                                      \
        .doc = "step of the window; 0 means the kernel's size"},                                               \
       {.name = "padding",                                                                                     \
        .kind = SC_PAIR,                                                                                       \
        .optional = true,                                                                                      \
        .doc = "pixels added on both sides, at most half the kernel"},                                         \
   {                                                                                                           \
      .name = "ceil_mode", .kind = SC_BOOL, .optional = true,                                                  \
      .doc = "keep a last window that is only partly inside"                                                   \
   }

static const ScParam max_params[] = {WINDOW};
static const ScParam avg_params[] = {
    WINDOW,
    {.name = "count_include_pad",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "padding counts in the mean"},
};
static const ScParam global_params[] = {{.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W)"}};

static int64_t output_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode) {
   int64_t room = size + 2 * padding - kernel;
   int64_t n = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
   return ceil_mode && (n - 1) * stride >= size + padding ? n - 1 : n; // every window starts inside
}

ScPool2d sc_pool_geometry(const ScCall *c) {
   const int64_t *x = c->in[0]->shape, *kernel = c->attr[SC_POOL_KERNEL].ints.v;
   const int64_t *stride = c->attr[SC_POOL_STRIDE].ints.v, *padding = c->attr[SC_POOL_PADDING].ints.v;
   bool ceil_mode = c->attr[SC_POOL_CEIL_MODE].i;
   ScPool2d g = {.n = x[0],
                 .c = x[1],
                 .h = x[2],
                 .w = x[3],
                 .kh = kernel[0],
                 .kw = kernel[1],
                 .sh = stride[0] ? stride[0] : kernel[0],
                 .sw = stride[1] ? stride[1] : kernel[1],
                 .ph = padding[0],
                 .pw = padding[1]};
   g.oh = output_size(g.h, g.kh, g.sh, g.ph, ceil_mode);
   g.ow = output_size(g.w, g.kw, g.sw, g.pw, ceil_mode);
   return g;
}

static ScStatus check_window(const ScCall *c) {
   static const char *names[] = {"kernel", "stride", "padding"};
   for (int i = SC_POOL_KERNEL; i <= SC_POOL_PADDING; i++) {
      const int64_t *v = c->attr[i].ints.v, *kernel = c->attr[SC_POOL_KERNEL].ints.v;
      int64_t least = i == SC_POOL_KERNEL;
      for (int d = 0; d < 2; d++) {
         int64_t most = i == SC_POOL_PADDING ? kernel[d] / 2 : 1 << 20;
         if (v[d] < least || v[d] > most)
            return sc_fail(SC_EARG, "%s: argument '%s': expected %lld to %lld, found {%lld, %lld}", c->op->name,
                           names[i], (long long)least, (long long)most, (long long)v[0], (long long)v[1]);
      }
   }
   return SC_OK;
}

static ScStatus infer_window(ScCall *c) {
   const ScTensor *x = c->in[0];
   SC_TRY(sc_want_rank(c, 0, 4));
   SC_TRY(sc_want_float(c, 0));
   SC_TRY(check_window(c));
   ScPool2d g = sc_pool_geometry(c);
   if (g.h + 2 * g.ph < g.kh || g.w + 2 * g.pw < g.kw)
      return sc_fail(
          SC_EARG,
          "%s: argument 'x': expected at least the kernel's %lld x %lld pixels with padding, found shape %s",
          c->op->name, (long long)g.kh, (long long)g.kw, sc_shape_text(x));
   return sc_describe(c, 0, x->dtype, 4, (int64_t[]){g.n, g.c, g.oh, g.ow});
}

// Saved: where in its window each maximum was, row by row from 0, as a byte if it fits.
static ScStatus infer_max(ScCall *c) {
   SC_TRY(infer_window(c));
   const int64_t *kernel = c->attr[SC_POOL_KERNEL].ints.v;
   return sc_describe_saved(c, 0, kernel[0] * kernel[1] <= 256 ? SC_U8 : SC_I64, 4, c->out[0]->shape);
}

static ScStatus infer_global(ScCall *c) {
   const ScTensor *x = c->in[0];
   SC_TRY(sc_want_rank(c, 0, 4));
   SC_TRY(sc_want_float(c, 0));
   return sc_describe(c, 0, x->dtype, 4, (int64_t[]){x->shape[0], x->shape[1], 1, 1});
}

SC_OP(max_pool2d,
      .doc = "Maximum over windows; (N, C, H, W) becomes (N, C, H', W') with H' = floor((H + 2 padding - "
             "kernel) / stride) + 1. "
             "Padding never wins; the gradient goes to the first maximum of a window.",
      SC_PARAMS(max_params), .differentiable = true, .infer = infer_max)
SC_OP(avg_pool2d, .doc = "Mean over windows; shapes as in max_pool2d.", SC_PARAMS(avg_params),
      .differentiable = true, .infer = infer_window)
SC_OP(global_avg_pool2d, .doc = "Mean over all pixels; (N, C, H, W) becomes (N, C, 1, 1).",
      SC_PARAMS(global_params), .differentiable = true, .infer = infer_global)
