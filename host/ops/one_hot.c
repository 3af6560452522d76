// Class numbers as rows of zeros with one 1.
#include "host/ops/one_hot.h"

#include <stdlib.h>

#include "host/core/transfer.h"
#include "host/ops/classes.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "i64, any shape: class numbers from 1"},
    {.name = "classes",
     .kind = SC_INT,
     .optional = true,
     .doc = "how many there are; 0: as many as the largest number in x, which a GPU is waited for"},
    {.name = "dtype",
     .kind = SC_DTYPE,
     .optional = true,
     .preset = SC_I64,
     .doc = "of the result (default i64)"},
};

static ScStatus find_largest(const ScTensor *x, int64_t *largest) {
   const void *content;
   void *downloaded;
   *largest = 1;
   if (x->dtype != SC_I64) return SC_OK; // is told with the rest
   SC_TRY(sc_tensor_content(x, &content, &downloaded));
   for (int64_t i = 0, n = sc_numel(x); i < n; i++)
      if (((const int64_t *)content)[i] > *largest) *largest = ((const int64_t *)content)[i];
   free(downloaded);
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t *classes = &c->attr[SC_ONE_HOT_CLASSES].i, shape[SC_MAXRANK];
   if (*classes < 0)
      return sc_fail(SC_EARG, "one_hot: argument 'classes': expected at least 1, found %lld",
                     (long long)*classes);
   if (x->rank == SC_MAXRANK)
      return sc_fail(SC_EARG, "one_hot: argument 'x': shape %s has %d dimensions, the most there can be",
                     sc_shape_text(x), SC_MAXRANK);
   if (*classes == 0) SC_TRY(find_largest(x, classes));
   SC_TRY(sc_want_numbers(c, 0, *classes, "classes"));
   for (int d = 0; d < x->rank; d++) shape[d] = x->shape[d];
   shape[x->rank] = *classes;
   return sc_describe(c, 0, (ScDtype)c->attr[SC_ONE_HOT_DTYPE].i, x->rank + 1, shape);
}

SC_OP(one_hot,
      .doc =
          "For each class number in x a row, the last dimension of the result, that is 1 in the place of that "
          "class and 0 elsewhere: of (N) it is (N, classes). Classes count from 1; it has no gradient. A wrong "
          "number "
          "is an error on the CPU; a GPU, which is not waited for, answers it with NaN, of i64 with -1 and of "
          "u8 with "
          "255.",
      SC_PARAMS(params), .infer = infer)
