// More entries, or fewer, at both ends of dimensions.
#include "host/ops/pad.h"

#include <math.h>

#include "host/core/call.h"
#include "host/core/dispatch.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "pads",
     .kind = SC_INTS,
     .doc =
         "entries to add, as in PyTorch from the last dimension on: {before, after} of the last one, then of "
         "the one before it, ... up to four; of photos {left, right, top, bottom}; negative ones are cut off"},
    {.name = "mode",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = "constant|reflect|replicate|circular",
     .doc =
         "what the new ones are: `value`; the mirror image, without the edge itself; the edge; what comes in "
         "from the other end"},
    {.name = "value",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 0,
     .doc = "of the new ones, in mode constant"},
};
enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

typedef struct {
   int64_t before, after;
} Ends;

// What is added to dimension `d`, counted from 0.
static Ends ends_of(const ScCall *c, int d) {
   const int64_t *pads = c->attr[SC_PAD_PADS].ints.v;
   int at = 2 * (c->in[0]->rank - 1 - d);
   return at < c->attr[SC_PAD_PADS].ints.n ? (Ends){pads[at], pads[at + 1]} : (Ends){0, 0};
}

// What remains of size n once all that is to be cut off is.
static int64_t kept(Ends e, int64_t n) {
   return n + (e.before < 0 ? e.before : 0) + (e.after < 0 ? e.after : 0);
}

static ScStatus check_ends(const ScCall *c, int d, Ends e) {
   const ScTensor *x = c->in[0];
   int64_t n = x->shape[d], least = c->attr[SC_PAD_MODE].i == CONSTANT ? 0 : 1;
   const int64_t most = INT32_MAX;
   if (e.before < -most || e.before > most || e.after < -most || e.after > most)
      return sc_fail(SC_EARG, "pad: argument 'pads': %lld and %lld are too many", (long long)e.before,
                     (long long)e.after);
   if (kept(e, n) < least || n + e.before + e.after < 1)
      return sc_fail(SC_EARG, "pad: argument 'pads': %lld and %lld leave nothing of dimension %d of shape %s",
                     (long long)e.before, (long long)e.after, d + 1, sc_shape_text(x));
   return SC_OK;
}

// The modes that repeat x have so many entries to give at each end; the edge can be repeated without end.
static ScStatus check_end(const ScCall *c, int d, int64_t pad, int64_t n) {
   int64_t mode = c->attr[SC_PAD_MODE].i, most = mode == REFLECT ? n - 1 : n;
   if (mode == CONSTANT || mode == REPLICATE || pad <= most) return SC_OK;
   return sc_fail(SC_EARG,
                  "pad: argument 'pads': mode %s adds at most %lld to dimension %d of shape %s, found %lld",
                  mode == REFLECT ? "reflect" : "circular", (long long)most, d + 1, sc_shape_text(c->in[0]),
                  (long long)pad);
}

static ScStatus check_value(const ScCall *c) {
   double value = c->attr[SC_PAD_VALUE].f;
   ScDtype dtype = c->in[0]->dtype;
   bool fits = sc_dtype_is_float(dtype) || (value == floor(value) && fabs(value) < 9007199254740992.0);
   if (dtype == SC_U8) fits = fits && value >= 0 && value <= 255;
   if (c->attr[SC_PAD_MODE].i != CONSTANT) fits = fits && value == 0;
   if (fits) return SC_OK;
   if (dtype == SC_I64 && value == floor(value) && c->attr[SC_PAD_MODE].i == CONSTANT)
      return sc_fail(SC_EARG,
                     "pad: argument 'value': expected less than 2^53, up to which each whole number is "
                     "itself, found %.0f",
                     value);
   return c->attr[SC_PAD_MODE].i != CONSTANT
              ? sc_fail(SC_EARG, "pad: argument 'value' is for mode constant only")
              : sc_fail(SC_EARG, "pad: argument 'value': expected a number that %s holds, found %g",
                        sc_dtype_name(dtype), value);
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int n = c->attr[SC_PAD_PADS].ints.n;
   int64_t shape[SC_MAXRANK];
   if (n == 0 || n % 2 || n > 2 * x->rank)
      return sc_fail(
          SC_EARG,
          "pad: argument 'pads': expected {before, after} of the last dimension, then of the one before "
          "it, ...: at most %d numbers for shape %s, found %s",
          2 * x->rank, sc_shape_text(x), sc_dims_text(n, c->attr[SC_PAD_PADS].ints.v));
   SC_TRY(check_value(c));
   for (int d = 0; d < x->rank; d++) {
      Ends e = ends_of(c, d);
      SC_TRY(check_ends(c, d, e));
      int64_t left = kept(e, x->shape[d]);
      SC_TRY(check_end(c, d, e.before, left));
      SC_TRY(check_end(c, d, e.after, left));
      shape[d] = x->shape[d] + e.before + e.after;
   }
   return sc_describe(c, 0, x->dtype, x->rank, shape);
}

ScRemap sc_pad_map(const ScCall *c) {
   static const ScMapKind kinds[] = {SC_MAP_INSIDE, SC_MAP_REFLECT, SC_MAP_CLAMP, SC_MAP_WRAP};
   const ScTensor *x = c->in[0];
   ScRemap m = {.value = c->attr[SC_PAD_VALUE].f};
   for (int d = 0; d < x->rank; d++) {
      Ends e = ends_of(c, d);
      m.dim[d] = (ScDimMap){.kind = kinds[c->attr[SC_PAD_MODE].i],
                            .shift = e.before > 0 ? e.before : 0,
                            .n = kept(e, x->shape[d]),
                            .first = e.before < 0 ? -e.before : 0};
   }
   return m;
}

// What was added is cut off, and what was cut off had no influence.
static ScStatus backward(ScCall *c) {
   if (c->attr[SC_PAD_MODE].i != CONSTANT) return sc_run_backward_kernel(c);
   ScAttr back = c->attr[SC_PAD_PADS];
   for (int i = 0; i < back.ints.n; i++) back.ints.v[i] = -back.ints.v[i];
   return sc_apply(&c->grad_in[0], "pad", 1, c->grad_out, &back, 1);
}

SC_OP(pad,
      .doc =
          "x with entries added at the ends of its last dimensions, or cut off: pad({1, 1, 2, 2}) makes photos "
          "(N, C, H, W) an (N, C, H + 4, W + 2). What is to be cut off is, before the rest is added.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .backward = backward)
