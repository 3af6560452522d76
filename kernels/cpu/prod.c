// Products of float32, in double.
#include "host/ops/prod.h"

#include "kernels/cpu/clones.h"
#include "kernels/cpu/lanes.h"

#include "kernels/cpu/fold.h"

typedef double Doubles __attribute__((vector_size(8 * LANES)));

// a: the product of what is not 0; b: how many zeros there are.
SC_CLONES static ScKnown row(const float *x, int64_t n, const double *p) {
   (void)p;
   Doubles products = (Doubles){0} + 1;
   Bits zeros = {0}, one = (Bits)((Lanes){0} + 1);
   ScKnown all = {1, 0};
   int64_t i = 0;
   for (; i + LANES <= n; i += LANES) {
      Lanes v;
      sc_lanes_load(&v, x + i, false);
      Bits zero = (Bits)(v == 0);
      zeros -= zero;
      products *= __builtin_convertvector((Lanes)(((Bits)v & ~zero) | (one & zero)), Doubles);
   }
   for (; i < n; i++) {
      all.a *= x[i] == 0 ? 1 : x[i];
      all.b += x[i] == 0;
   }
   for (int j = 0; j < LANES; j++) all.a *= products[j], all.b += zeros[j];
   return all;
}

SC_CLONES static void strip(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width,
                            const double *p) {
   (void)p;
   double products[SC_FOLD_STRIP], zeros[SC_FOLD_STRIP] = {0};
   for (int64_t i = 0; i < width; i++) products[i] = 1;
   for (int64_t k = 0; k < n; k++)
      for (int64_t i = 0; i < width; i++) {
         float v = x[k * stride + i];
         products[i] *= v == 0 ? 1 : v;
         zeros[i] += v == 0;
      }
   for (int64_t i = 0; i < width; i++) to[i] = (ScKnown){products[i], zeros[i]};
}

static ScKnown join(ScKnown one, int64_t n, ScKnown later, int64_t later_n, const double *p) {
   (void)n, (void)later_n, (void)p;
   return (ScKnown){one.a * later.a, one.b + later.b};
}

static void put(ScCall *c, int64_t at, ScKnown all, const double *p) {
   (void)p;
   ((float *)c->out[0]->buffer->data)[at] = (float)(all.b > 0 ? all.a * 0 : all.a);
   if (!c->saved[0]) return;
   ((float *)c->saved[SC_PROD_OTHERS]->buffer->data)[at] = (float)all.a;
   ((float *)c->saved[SC_PROD_ZEROS]->buffer->data)[at] = (float)all.b;
}

static const ScFold fold = {row, strip, join, put};

SC_UNFOLD(prod, a == 0 ? b / v : a == 1 && v == 0 ? b : 0)

static void prepare(const ScCall *c, int64_t at, float *zeros, float *others, const double *p) {
   (void)p;
   float g = ((float *)c->grad_out[0]->buffer->data)[at];
   *zeros = ((float *)c->saved[SC_PROD_ZEROS]->buffer->data)[at];
   *others = g * ((float *)c->saved[SC_PROD_OTHERS]->buffer->data)[at];
}

SC_KERNEL_OF(cpu, prod, 1u << SC_F32, sc_fold(c, &fold, NULL), sc_unfold(c, unfold_prod, prepare, NULL))
