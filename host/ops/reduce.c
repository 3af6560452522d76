// Over dimensions, or over everything: sum, mean, max, min; over one or everything: argmax, argmin.
#include "host/core/call.h"
#include "host/ops/reduction.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"}, SC_REDUCED_DIMS, SC_KEEPDIM};
static const ScParam index_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"}, SC_REDUCED_DIM, SC_KEEPDIM};
enum { INDEX_DIM };

static ScStatus infer_sum(ScCall *c) {
   return sc_describe_reduced(c, sc_dtype_is_float(c->in[0]->dtype) ? c->in[0]->dtype : SC_I64);
}

static ScStatus infer_mean(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   return sc_describe_reduced(c, c->in[0]->dtype);
}

static ScStatus infer_extreme(ScCall *c) {
   SC_TRY(sc_describe_reduced(c, c->in[0]->dtype));
   return sc_describe_reduced_saved(c, 0, SC_I64);
}

static ScStatus infer_index(ScCall *c) {
   return sc_describe_reduced(c, SC_I64);
}

// Over everything, an index is one into the logical order.
static ScStatus forward_index(ScCall *c) {
   ScAttr attr = {.ints = {1, {-1}}};
   ScTensor *flat, *x = c->in[0];
   if (c->attr[INDEX_DIM].i != SC_NODIM || x->rank != 4) return sc_reduce_forward(c);
   SC_TRY(sc_apply(&flat, "reshape", 1, &x, &attr, 1));
   sc_tensor_release(x);
   c->in[0] = flat;
   return sc_reduce_forward(c);
}

#define REDUCE(name, text, check, ...)                                                                         \
   SC_OP(name, .doc = text, SC_PARAMS(params), .infer = check, .forward = sc_reduce_forward,                   \
         .differentiable = true, .backward = sc_reduce_backward, __VA_ARGS__)
#define INDEX(name, text)                                                                                      \
   SC_OP(name, .doc = text, SC_PARAMS(index_params), .infer = infer_index, .forward = forward_index)

REDUCE(sum, "The sum over dimensions or over everything; integers give i64.", infer_sum,
       .autocast = SC_CAST_WIDE)
REDUCE(mean, "The mean over dimensions or over everything; floating point only.", infer_mean,
       .autocast = SC_CAST_WIDE)
REDUCE(max,
       "The largest entry over dimensions or over everything, NaN where there is one; of equal ones the first "
       "gets the gradient. Where it is, argmax tells; of two tensors: maximum.",
       infer_extreme)
REDUCE(min,
       "The smallest entry over dimensions or over everything, NaN where there is one; of equal ones the first "
       "gets the gradient. Where it is, argmin tells; of two tensors: minimum.",
       infer_extreme)
INDEX(argmax, "Where the largest entry is, from 1 (i64); over everything, counted in logical order. A NaN is "
              "larger than all; of equal ones it is the first.")
INDEX(argmin, "Where the smallest entry is, from 1 (i64); over everything, counted in logical order. A NaN is "
              "smaller than all; of equal ones it is the first.")
