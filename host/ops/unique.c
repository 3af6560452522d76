// Which numbers there are.
#include "host/ops/unique.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/ops/slice.h"
#include "host/ops/wait.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "return_inverse",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "also give which of the values each number is: i64 from 1, shaped as x (default false)"},
    {.name = "return_counts",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "also give how often each value is there: i64, one each (default false)"},
};

// With room for as many values as there may be.
static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t most = sc_numel(x);
   int next = 1;
   SC_TRY(sc_want_values(c));
   SC_TRY(sc_describe(c, 0, x->dtype, 1, &most));
   if (c->attr[SC_UNIQUE_INVERSE].i) SC_TRY(sc_describe(c, next++, SC_I64, x->rank, x->shape));
   return c->attr[SC_UNIQUE_COUNTS].i ? sc_describe(c, next, SC_I64, 1, &most) : SC_OK;
}

static ScStatus shorten(ScTensor **slot, int64_t n) {
   ScTensor *shorter;
   ScAttr attr[] = {[SC_SLICE_DIM] = {.i = 0}, [SC_SLICE_FROM] = {.i = 1}, [SC_SLICE_TO] = {.i = n}};
   SC_TRY(sc_apply(&shorter, "slice", 1, slot, attr, 3));
   sc_tensor_release(*slot);
   *slot = shorter;
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   SC_TRY(sc_run_kernel(c));
   int64_t found = c->attr[SC_UNIQUE_FOUND].i;
   SC_TRY(shorten(&c->out[0], found));
   return c->attr[SC_UNIQUE_COUNTS].i ? shorten(&c->out[c->nout - 1], found) : SC_OK;
}

SC_OP(unique,
      .doc = "The numbers that are in x, each once, the smallest first; 0 is also -0, and each NaN, which "
             "come last, is its own. How many there are depends on the values: on a GPU it waits for them, "
             "and no graph can record it.",
      SC_PARAMS(params), .results = "values|inverse?|counts?", .infer = infer, .forward = forward)
