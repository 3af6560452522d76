#include "host/core/op.h"
#include "kernels/ref/view.h"

enum { X, WEIGHT, BIAS };

// Offset of the first element of logical row `row` (all dimensions but the last, row-major).
static int64_t row_offset(const ScTensor *t, int64_t row) {
   int64_t strides[SC_MAXRANK], at = 0;
   sc_strides(t, strides);
   for (int d = t->rank - 2; d >= 0; d--) {
      at += row % t->shape[d] * strides[d];
      row /= t->shape[d];
   }
   return at;
}

static int64_t last_stride(const ScTensor *t) {
   int64_t strides[SC_MAXRANK];
   sc_strides(t, strides);
   return strides[t->rank - 1];
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[X], *y = c->out[0];
   int64_t outputs = c->in[WEIGHT]->shape[0], inputs = c->in[WEIGHT]->shape[1], rows = sc_numel(x) / inputs;
   int64_t step_x = last_stride(x), step_y = last_stride(y);
   ScView v[] = {SC_READ(c->in[X]), SC_READ(c->in[WEIGHT]), SC_READ(c->in[BIAS]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 4));
#pragma omp parallel for
   for (int64_t r = 0; r < rows; r++) {
      int64_t from = row_offset(x, r), to = row_offset(y, r);
      for (int64_t o = 0; o < outputs; o++) {
         double sum = v[BIAS].v ? v[BIAS].v[o] : 0;
         for (int64_t i = 0; i < inputs; i++) sum += v[X].v[from + i * step_x] * v[WEIGHT].v[o * inputs + i];
         v[3].v[to + o * step_y] = sum;
      }
   }
   sc_views_close(v, 4);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[X], *gy = c->grad_out[0];
   int64_t outputs = c->in[WEIGHT]->shape[0], inputs = c->in[WEIGHT]->shape[1], rows = sc_numel(x) / inputs;
   int64_t step_x = last_stride(x), step_y = last_stride(gy);
   ScView v[] = {SC_READ(c->in[X]),       SC_READ(c->in[WEIGHT]),       SC_READ(c->grad_out[0]),
                 SC_WRITE(c->grad_in[X]), SC_WRITE(c->grad_in[WEIGHT]), SC_WRITE(c->grad_in[BIAS])};
   SC_TRY(sc_views_open(v, 6));
   double *gx = v[3].v, *gw = v[4].v, *gb = v[5].v;
   for (int64_t r = 0; r < rows; r++) {
      int64_t at = row_offset(x, r), from = row_offset(gy, r);
      for (int64_t o = 0; o < outputs; o++) {
         double g = v[2].v[from + o * step_y];
         if (gb) gb[o] += g;
         for (int64_t i = 0; gw && i < inputs; i++) gw[o * inputs + i] += g * v[X].v[at + i * step_x];
         for (int64_t i = 0; gx && i < inputs; i++) gx[at + i * step_x] += g * v[WEIGHT].v[o * inputs + i];
      }
   }
   sc_views_close(v, 6);
   return SC_OK;
}

SC_KERNEL(ref, linear, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
