#include "host/ops/classes.h"

#include <stdlib.h>

#include "host/core/transfer.h"

static bool is_one(int64_t number, int64_t n) {
   return number >= 1 && number <= n;
}

// In whatever order they lie; most often they are, and nothing is copied.
static bool are_within(const ScTensor *t, int64_t n) {
   const int64_t *numbers = t->buffer->data;
   bool within = true;
   for (int64_t i = 0, total = sc_numel(t); i < total; i++) within &= is_one(numbers[i], n);
   return within;
}

ScStatus sc_want_numbers(const ScCall *c, int input, int64_t n, const char *what) {
   const ScTensor *t = c->in[input];
   const char *op = c->op->name, *name = sc_input_name(c, input);
   if (t->dtype != SC_I64)
      return sc_fail(SC_EARG, "%s: argument '%s': expected i64, found %s; convert it with :to('i64')", op, name,
                     sc_dtype_name(t->dtype));
   if (!t->device->backend->host_memory) return SC_OK; // reading them would wait for the device
   if (t->buffer && t->buffer->data && are_within(t, n)) return SC_OK;
   int64_t *numbers = malloc(sc_nbytes(t)), total = sc_numel(t), i = 0;
   if (!numbers) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_tensor_read(t, numbers);
   while (status == SC_OK && i < total && is_one(numbers[i], n)) i++;
   if (status == SC_OK && i < total)
      status = sc_fail(SC_EARG, "%s: argument '%s': expected %s from 1 to %lld, found %lld at position %lld",
                       op, name, what, (long long)n, (long long)numbers[i], (long long)i + 1);
   free(numbers);
   return status;
}
