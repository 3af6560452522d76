#include "host/core/call.h"
#include "host/core/tape.h"
#include "kernels/cuda/capability.h"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/gemm.h"

enum { X, WEIGHT, BIAS };

typedef struct {
   int64_t rows, inputs, outputs;
} Sizes;

static Sizes sizes_of(const ScCall *c) {
   int64_t outputs = c->in[WEIGHT]->shape[0], inputs = c->in[WEIGHT]->shape[1];
   return (Sizes){sc_numel(c->in[X]) / inputs, inputs, outputs};
}

static ScStatus multiply(const ScCall *c, int64_t m, int64_t n, int64_t k, ScMatrix a, ScMatrix b, void *to) {
   ScProduct p = {c->op->name, c->in[X]->dtype, m, n, k, 1};
   return sc_cuda_gemm(c->device, &p, a, b, false, to);
}

static ScMatrix plain(const void *data) {
   return (ScMatrix){data, false, 0};
}

static ScMatrix transposed(const void *data) {
   return (ScMatrix){data, true, 0};
}

// ---- rows: all but the last dimension ----

static ScStatus forward_rows(const ScCall *c, const void *x, void *y) {
   Sizes s = sizes_of(c);
   const ScTensor *bias = c->in[BIAS];
   SC_TRY(multiply(c, s.rows, s.outputs, s.inputs, plain(x), transposed(c->in[WEIGHT]->buffer->data), y));
   if (!bias) return SC_OK;
   return sc_cuda_finish(c->device, c->op->name, c->in[X]->dtype, s.rows, s.outputs, y, bias->buffer->data,
                         NULL, SC_ACT_NONE);
}

// gx may be NULL; x is needed for the weights' gradient only.
static ScStatus backward_rows(const ScCall *c, const void *x, const void *gy, void *gx) {
   Sizes s = sizes_of(c);
   const ScTensor *gw = c->grad_in[WEIGHT], *gb = c->grad_in[BIAS];
   if (gx) SC_TRY(multiply(c, s.rows, s.inputs, s.outputs, plain(gy), plain(c->in[WEIGHT]->buffer->data), gx));
   if (gw) SC_TRY(multiply(c, s.outputs, s.inputs, s.rows, transposed(gy), plain(x), gw->buffer->data));
   if (!gb) return SC_OK;
   return sc_cuda_column_sums(c->device, c->op->name, c->in[X]->dtype, s.rows, s.outputs, gy, gb->buffer->data);
}

// ---- tensors of four dimensions, whose rows do not lie together ----

// Another tensor with the elements of t in logical order as rows, or the other way with `back`.
static ScStatus as_rows(ScTensor **out, ScTensor *t) {
   ScAttr shape = {.ints = {2, {sc_numel(t) / t->shape[3], t->shape[3]}}};
   return sc_apply(out, "reshape", 1, &t, &shape, 1);
}

static ScStatus from_rows(ScTensor *to, ScTensor *rows) {
   ScAttr shape = {.ints = {4, {to->shape[0], to->shape[1], to->shape[2], to->shape[3]}}};
   ScTensor *made;
   SC_TRY(sc_apply(&made, "reshape", 1, &rows, &shape, 1));
   sc_buffer_release(to->buffer);
   to->buffer = sc_buffer_retain(made->buffer);
   sc_tensor_release(made);
   return SC_OK;
}

static ScStatus forward_images(ScCall *c) {
   ScTensor *x, *y = NULL;
   Sizes s = sizes_of(c);
   SC_TRY(as_rows(&x, c->in[X]));
   ScStatus status = sc_tensor_new(&y, c->device, x->dtype, 2, (int64_t[]){s.rows, s.outputs});
   if (status == SC_OK) status = forward_rows(c, x->buffer->data, y->buffer->data);
   if (status == SC_OK) status = from_rows(c->out[0], y);
   sc_tensor_release(y);
   sc_tensor_release(x);
   return status;
}

static ScStatus backward_images(ScCall *c) {
   ScTensor *x = NULL, *gy, *gx = NULL;
   Sizes s = sizes_of(c);
   SC_TRY(as_rows(&gy, c->grad_out[0]));
   ScStatus status = c->grad_in[WEIGHT] ? as_rows(&x, c->in[X]) : SC_OK;
   if (status == SC_OK && c->grad_in[X])
      status = sc_tensor_new(&gx, c->device, gy->dtype, 2, (int64_t[]){s.rows, s.inputs});
   if (status == SC_OK)
      status = backward_rows(c, x ? x->buffer->data : NULL, gy->buffer->data, gx ? gx->buffer->data : NULL);
   if (status == SC_OK && gx) status = from_rows(c->grad_in[X], gx);
   sc_tensor_release(gx);
   sc_tensor_release(gy);
   sc_tensor_release(x);
   return status;
}

// The reshapes within are no ops of the user's.
static ScStatus unrecorded(ScCall *c, ScStatus (*run)(ScCall *)) {
   bool before = sc_set_recording(false);
   ScStatus status = run(c);
   sc_set_recording(before);
   return status;
}

// ---- the kernel ----

static ScStatus forward(ScCall *c) {
   if (c->in[X]->rank == 4) return unrecorded(c, forward_images);
   return forward_rows(c, c->in[X]->buffer->data, c->out[0]->buffer->data);
}

static ScStatus backward(ScCall *c) {
   if (c->in[X]->rank == 4) return unrecorded(c, backward_images);
   const ScBuffer *x = c->in[X]->buffer, *gx = c->grad_in[X] ? c->grad_in[X]->buffer : NULL;
   return backward_rows(c, x ? x->data : NULL, c->grad_out[0]->buffer->data, gx ? gx->data : NULL);
}

SC_KERNEL(cuda, linear, .dtypes = SC_FLOATS | 1u << SC_F16, .more_dtypes = sc_cuda_halves, .forward = forward,
          .backward = backward)
