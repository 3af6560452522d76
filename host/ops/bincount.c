// How often each class is there.
#include "host/ops/bincount.h"

#include "host/core/call.h"
#include "host/core/transfer.h"
#include "host/ops/wait.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "classes or other whole numbers from 1, i64 or u8, any shape"},
    {.name = "weights",
     .kind = SC_TENSOR,
     .optional = true,
     .doc = "what each number counts, floating point, shaped as x; 1 if absent"},
    {.name = "minlength",
     .kind = SC_INT,
     .optional = true,
     .doc = "at least so many classes, such as all that there are"},
};

static ScStatus check_weights(const ScCall *c) {
   const ScTensor *x = c->in[0], *weights = c->in[1];
   if (!weights) return SC_OK;
   SC_TRY(sc_want_float(c, 1));
   return sc_same_shape(x, weights)
              ? SC_OK
              : sc_fail(SC_EARG, "bincount: argument 'weights': expected %s, the shape of 'x', found %s",
                        sc_shape_text(x), sc_shape_text(weights));
}

// Of all numbers, "max" or "min" of them.
static ScStatus find_extreme(const char *op, ScTensor *x, int64_t *out) {
   ScTensor *found;
   union {
      int64_t whole;
      uint8_t byte;
   } element;
   SC_TRY(sc_apply(&found, op, 1, &x, NULL, 0));
   ScStatus status = sc_tensor_item(found, 0, &element);
   sc_tensor_release(found);
   *out = x->dtype == SC_U8 ? element.byte : element.whole;
   return status;
}

static void scan(const ScTensor *x, int64_t *least, int64_t *most) {
   const void *content = x->buffer->data;
   int64_t n = sc_numel(x);
   *least = INT64_MAX, *most = 0;
   for (int64_t i = 0; i < n; i++) {
      int64_t class = x->dtype == SC_U8 ? ((const uint8_t *)content)[i] : ((const int64_t *)content)[i];
      *least = class < *least ? class : *least;
      *most = class > *most ? class : *most;
   }
}

// Where the numbers are: two of them come to the host.
static ScStatus find_range(ScTensor *x, int64_t *least, int64_t *most) {
   if (x->device->backend->host_memory) return scan(x, least, most), SC_OK;
   SC_TRY(find_extreme("min", x, least));
   return find_extreme("max", x, most);
}

// The largest class; an error where a number is none.
static ScStatus find_largest(const ScCall *c, int64_t *largest) {
   int64_t least;
   SC_TRY(find_range(c->in[0], &least, largest));
   if (least < 1)
      return sc_fail(SC_EARG, "bincount: argument 'x': expected numbers from 1, found %lld", (long long)least);
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t least = c->attr[SC_BINCOUNT_MINLENGTH].i, classes;
   if (x->dtype != SC_I64 && x->dtype != SC_U8)
      return sc_fail(SC_EARG,
                     "bincount: argument 'x': expected i64 or u8, found %s; convert it with :to('i64')",
                     sc_dtype_name(x->dtype));
   if (least < 0)
      return sc_fail(SC_EARG, "bincount: argument 'minlength': expected at least 0, found %lld",
                     (long long)least);
   SC_TRY(check_weights(c));
   SC_TRY(sc_want_values(c));
   SC_TRY(find_largest(c, &classes));
   if (classes < least) classes = least;
   ScStatus status = sc_describe(c, 0, c->in[1] ? c->in[1]->dtype : SC_I64, 1, &classes);
   return status == SC_EARG ? sc_fail(SC_EARG, "bincount: %lld classes are too many", (long long)classes)
                            : status;
}

SC_OP(bincount,
      .doc = "How often each number from 1 is in x, up to the largest that is (i64); with weights, their "
             "sum for each number, in their dtype. How long the result is depends on the values: on a GPU "
             "it waits for them, and no graph can record it.",
      SC_PARAMS(params), .infer = infer)
