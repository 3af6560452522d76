// Two linear layers with GELU between them. As one kernel, a few rows at a time, what lies between the layers,
// the widest there is in a network of such blocks, goes through memory once each way: its input to the
// activation is kept, and all else of it stays in the caches.
#include "host/ops/mlp.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/width.h"
#include "host/ops/grouped_norm.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "rows (N, C), or the channels of pixels (N, C, H, W)"},
    {.name = "weight1", .kind = SC_TENSOR, .doc = "of the first layer (M, C)"},
    {.name = "bias1", .kind = SC_TENSOR, .doc = "(M)"},
    {.name = "weight2", .kind = SC_TENSOR, .doc = "of the second layer (O, M)"},
    {.name = "bias2", .kind = SC_TENSOR, .doc = "(O)"},
};

static ScStatus want_shape(const ScCall *c, int input, int rank, const int64_t *shape) {
   const ScTensor *t = c->in[input];
   bool same = t->rank == rank;
   for (int d = 0; same && d < rank; d++) same = t->shape[d] == shape[d];
   if (same) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected shape %s, found %s", c->op->name,
                  sc_input_name(c, input), sc_dims_text(rank, shape), sc_shape_text(t));
}

static ScStatus check(const ScCall *c) {
   const ScTensor *x = c->in[SC_MLP_X], *first = c->in[SC_MLP_WEIGHT1], *second = c->in[SC_MLP_WEIGHT2];
   SC_TRY(sc_want_float(c, SC_MLP_X));
   if (x->rank != 2 && x->rank != 4)
      return sc_fail(SC_EARG, "%s: argument 'x': expected (N, C) or (N, C, H, W), found shape %s", c->op->name,
                     sc_shape_text(x));
   SC_TRY(sc_want_rank(c, SC_MLP_WEIGHT1, 2));
   SC_TRY(sc_want_rank(c, SC_MLP_WEIGHT2, 2));
   SC_TRY(want_shape(c, SC_MLP_WEIGHT1, 2, (int64_t[]){first->shape[0], x->shape[1]}));
   SC_TRY(want_shape(c, SC_MLP_BIAS1, 1, first->shape));
   SC_TRY(want_shape(c, SC_MLP_WEIGHT2, 2, (int64_t[]){second->shape[0], first->shape[0]}));
   return want_shape(c, SC_MLP_BIAS2, 1, second->shape);
}

// ---- by the ops that it is made of ----

// A linear layer of pixels is a 1 x 1 convolution.
static ScStatus layer(ScTensor **out, ScTensor *x, ScTensor *weight, ScTensor *bias) {
   ScTensor *in[] = {x, weight, bias};
   if (x->rank == 2) return sc_apply(out, "linear", 3, in, NULL, 0);
   SC_TRY(sc_reshape(&in[1], weight, 4, (int64_t[]){weight->shape[0], weight->shape[1], 1, 1}));
   ScStatus status = sc_apply(out, "conv2d", 3, in, NULL, 0);
   sc_tensor_release(in[1]);
   return status;
}

static ScStatus by_parts(ScCall *c) {
   ScTensor *wide, *active = NULL;
   SC_TRY(layer(&wide, c->in[SC_MLP_X], c->in[SC_MLP_WEIGHT1], c->in[SC_MLP_BIAS1]));
   ScStatus status = sc_apply(&active, "gelu", 1, &wide, NULL, 0);
   sc_tensor_release(wide);
   if (status == SC_OK) status = layer(&c->out[0], active, c->in[SC_MLP_WEIGHT2], c->in[SC_MLP_BIAS2]);
   sc_tensor_release(active);
   return status;
}

static bool is_autocast(void) {
   ScDtype autocast = sc_set_autocast(SC_F32);
   sc_set_autocast(autocast);
   return autocast != SC_F32;
}

static bool is_one_kernel(const ScCall *c) {
   return sc_kernel_takes(sc_find_kernel(c->device, "mlp_rows"), c->device, c->in[SC_MLP_X]->dtype);
}

// In full width all are of one dtype; which others a half-width x may meet its parts know.
static ScStatus check_dtypes(const ScCall *c) {
   ScDtype dtype = c->in[SC_MLP_X]->dtype;
   for (int i = SC_MLP_WEIGHT1; i < SC_MLP_INPUTS && dtype == sc_wide_dtype(dtype); i++)
      SC_TRY(sc_want_dtype_of_first(c, i));
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   SC_TRY(check(c));
   c->nout = 1;
   if (is_autocast()) return by_parts(c);
   SC_TRY(check_dtypes(c));
   return is_one_kernel(c) ? sc_apply(&c->out[0], "mlp_rows", SC_MLP_INPUTS, c->in, NULL, 0) : by_parts(c);
}

SC_OP(mlp,
      .doc =
          "weight2 gelu(weight1 x + bias1) + bias2, of each row of x or of the channels of each pixel; (N, C) "
          "becomes (N, O), (N, C, H, W) becomes (N, O, H, W). As in transformers and in "
          "ConvNeXt; one kernel in float32.",
      SC_PARAMS(params), .differentiable = true, .forward = forward)

// ---- the kernel ----

static ScStatus infer_rows(ScCall *c) {
   const ScTensor *x = c->in[SC_MLP_X];
   SC_TRY(check(c));
   for (int i = SC_MLP_WEIGHT1; i < SC_MLP_INPUTS; i++) SC_TRY(sc_want_dtype_of_first(c, i));
   ScMlp s = sc_mlp_sizes(c);
   int64_t shape[SC_MAXRANK] = {x->shape[0], s.outputs};
   for (int d = 2; d < x->rank; d++) shape[d] = x->shape[d];
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, shape));
   return sc_describe_saved(c, SC_MLP_HIDDEN, sc_wide_dtype(x->dtype), 2, (int64_t[]){s.rows, s.hidden});
}

static bool reaches_first(const ScCall *c) {
   return c->needs_grad[SC_MLP_X] || c->needs_grad[SC_MLP_WEIGHT1] || c->needs_grad[SC_MLP_BIAS1];
}

static ScStatus forward_rows(ScCall *c) {
   if (!c->needs_grad[SC_MLP_WEIGHT1]) c->keep_in &= ~(1u << SC_MLP_X);
   if (!c->needs_grad[SC_MLP_X]) c->keep_in &= ~(1u << SC_MLP_WEIGHT1);
   if (!reaches_first(c)) c->keep_in &= ~(1u << SC_MLP_WEIGHT2);
   return sc_run_kernel(c);
}

// The gradient of x takes the place of the one that came in, if nobody else holds that: kernels have used a row
// of it up before they write that row.
static ScStatus backward_rows(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   if (c->needs_grad[SC_MLP_X] && sc_same_shape(c->in[SC_MLP_X], g) && g->refs == 1 && g->buffer->refs == 1)
      SC_TRY(sc_tensor_alias(&c->grad_in[SC_MLP_X], g, g->rank, g->shape));
   return sc_run_backward_kernel(c);
}

static double multiply_adds(const ScCall *c, bool backward) {
   ScMlp s = sc_mlp_sizes(c);
   double first = (double)s.rows * (double)(s.inputs * s.hidden),
          second = (double)s.rows * (double)(s.hidden * s.outputs);
   if (!backward) return first + second;
   return (reaches_first(c) + c->needs_grad[SC_MLP_WEIGHT2]) * second +
          (c->needs_grad[SC_MLP_X] + c->needs_grad[SC_MLP_WEIGHT1]) * first;
}

SC_OP(mlp_rows, .doc = "weight2 gelu(weight1 x + bias1) + bias2 as one kernel; mlp calls it.",
      SC_PARAMS(params), .differentiable = true, .no_method = true,
      .keep_in = 1u << SC_MLP_X | 1u << SC_MLP_WEIGHT1 | 1u << SC_MLP_WEIGHT2,
      .wide = 1u << SC_MLP_BIAS1 | 1u << SC_MLP_BIAS2, .multiply_adds = multiply_adds, .infer = infer_rows,
      .forward = forward_rows, .backward = backward_rows)
