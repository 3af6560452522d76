// Entries moved along dimensions; what leaves at the end comes in at the beginning.
#include "host/ops/roll.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/ops/dims.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "shifts",
     .kind = SC_INTS,
     .doc = "by how many places, one number for each of `dims`; negative: back"},
    {.name = "dims",
     .kind = SC_INTS,
     .optional = true,
     .doc = "the dimensions (default: x is rolled as one row, in logical order, and has its shape again)"},
};
enum { SHIFTS, DIMS };

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int shifts = c->attr[SHIFTS].ints.n, dims = c->attr[DIMS].ints.n;
   if (shifts == 0) return sc_fail(SC_EARG, "roll: argument 'shifts': expected at least one number");
   if (dims > 0 && shifts != dims)
      return sc_fail(SC_EARG, "roll: expected as many 'shifts' as 'dims', found %d and %d", shifts, dims);
   if (dims == 0 && shifts > 1)
      return sc_fail(SC_EARG, "roll: argument 'dims' is missing: %d 'shifts' want as many dimensions", shifts);
   SC_TRY(sc_want_dims(c, DIMS, "dims"));
   return sc_describe(c, 0, x->dtype, x->rank, x->shape);
}

ScRemap sc_roll_map(const ScCall *c) {
   ScRemap m = sc_identity_map(c->in[0]);
   for (int i = 0; i < c->attr[DIMS].ints.n; i++) {
      ScDimMap *dim = &m.dim[c->attr[DIMS].ints.v[i] - 1];
      dim->kind = SC_MAP_WRAP;
      dim->shift = c->attr[SHIFTS].ints.v[i] % dim->n;
   }
   return m;
}

// As one row: a reshape there and back.
static ScStatus roll_row(ScTensor **out, ScTensor *x, ScAttr shift) {
   ScAttr row = {.ints = {.n = 1, .v = {sc_numel(x)}}}, shape = {.ints.n = x->rank};
   for (int i = 0; i < x->rank; i++) shape.ints.v[i] = x->shape[i];
   ScTensor *flat, *rolled;
   SC_TRY(sc_apply(&flat, "reshape", 1, &x, &row, 1));
   ScStatus status = sc_apply(&rolled, "roll", 1, &flat, (ScAttr[]){shift, {.ints = {.n = 1, .v = {1}}}}, 2);
   sc_tensor_release(flat);
   if (status != SC_OK) return status;
   status = sc_apply(out, "reshape", 1, &rolled, &shape, 1);
   sc_tensor_release(rolled);
   return status;
}

static ScStatus forward(ScCall *c) {
   if (c->attr[DIMS].ints.n > 0) return sc_run_kernel(c);
   ScTensor *x, *rolled;
   SC_TRY(sc_tensor_alias(&x, c->in[0], c->in[0]->rank, c->in[0]->shape)); // this call is what is recorded
   ScStatus status = roll_row(&rolled, x, c->attr[SHIFTS]);
   sc_tensor_release(x);
   if (status != SC_OK) return status;
   sc_tensor_release(c->out[0]);
   c->out[0] = rolled;
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScAttr back[] = {c->attr[SHIFTS], c->attr[DIMS]};
   for (int i = 0; i < back[SHIFTS].ints.n; i++) {
      int64_t n = back[DIMS].ints.n > 0 ? c->in[0]->shape[back[DIMS].ints.v[i] - 1] : sc_numel(c->in[0]);
      back[SHIFTS].ints.v[i] = -(back[SHIFTS].ints.v[i] % n);
   }
   return sc_apply(&c->grad_in[0], "roll", 1, c->grad_out, back, 2);
}

SC_OP(roll,
      .doc = "x with its entries moved by `shifts` places along `dims`; what leaves at the end comes in at the "
             "beginning: roll(1, 2) moves each row of a matrix by one to the right.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .forward = forward,
      .backward = backward)
