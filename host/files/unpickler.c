#include "host/files/unpickler.h"

#include <stdlib.h>
#include <string.h>

// What a file may make us hold. The state dict of a network with a thousand tensors takes some thirty thousand
// values.
enum { MAXVALUES = 2000000, MAXSTACK = 1 << 20 };

ScStatus sc_pickle_damaged(const ScUnpickler *m, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s is damaged or not a plain state dict: its pickle %s (at byte %zu)", m->file,
                  problem, m->at);
}

// Either memory is short or the file asks for more than the arena gives.
ScStatus sc_pickle_no_memory(const ScUnpickler *m) {
   return sc_fail(
       SC_EMEM,
       "out of memory: the pickle in %s takes more than there is, or more than a state dict ever needs",
       m->file);
}

ScStatus sc_pickle_new(ScUnpickler *m, ScPickledKind kind, ScPickled **out) {
   if (m->pickle->values++ == MAXVALUES) return sc_pickle_damaged(m, "holds too many values");
   ScPickled *value = sc_arena_take(&m->pickle->arena, sizeof *value);
   if (!value) return sc_pickle_no_memory(m);
   *value = (ScPickled){.kind = kind};
   *out = value;
   return SC_OK;
}

ScStatus sc_pickle_push(ScUnpickler *m, ScPickled *value) {
   if (m->depth == MAXSTACK) return sc_pickle_damaged(m, "is nested too deep");
   if (m->depth == m->capacity) {
      size_t capacity = m->capacity ? 2 * m->capacity : 256;
      ScPickled **stack = realloc(m->stack, capacity * sizeof *stack);
      if (!stack) return sc_pickle_no_memory(m);
      m->stack = stack;
      m->capacity = capacity;
   }
   m->stack[m->depth++] = value;
   return SC_OK;
}

ScStatus sc_pickle_push_new(ScUnpickler *m, ScPickledKind kind, ScPickled **out) {
   SC_TRY(sc_pickle_new(m, kind, out));
   return sc_pickle_push(m, *out);
}

ScStatus sc_pickle_pop(ScUnpickler *m, ScPickled **out) {
   if (m->depth == 0 || m->stack[m->depth - 1]->kind == SC_PICKLED_MARK)
      return sc_pickle_damaged(m, "takes a value where there is none");
   *out = m->stack[--m->depth];
   return SC_OK;
}

// The last `n` values, in order, stay in the stack's memory above its new top.
ScStatus sc_pickle_pop_many(ScUnpickler *m, size_t n, ScPickled ***out) {
   for (size_t i = 1; i <= n; i++)
      if (m->depth < i || m->stack[m->depth - i]->kind == SC_PICKLED_MARK)
         return sc_pickle_damaged(m, "takes a value where there is none");
   m->depth -= n;
   *out = m->stack + m->depth;
   return SC_OK;
}

ScStatus sc_pickle_append(ScUnpickler *m, ScPickled *to, ScPickled *const *items, size_t n) {
   if (to->capacity - to->n < n) {
      size_t capacity = to->n + n > 2 * to->capacity ? to->n + n : 2 * to->capacity;
      ScPickled **grown = sc_arena_take(&m->pickle->arena, capacity * sizeof *grown);
      if (!grown) return sc_pickle_no_memory(m);
      if (to->n > 0) memcpy(grown, to->items, to->n * sizeof *grown);
      to->items = grown;
      to->capacity = capacity;
   }
   if (n > 0) memcpy(to->items + to->n, items, n * sizeof *items);
   to->n += n;
   return SC_OK;
}

ScStatus sc_pickle_push_text(ScUnpickler *m, ScPickledKind kind, const char *text, size_t length) {
   ScPickled *value;
   SC_TRY(sc_pickle_push_new(m, kind, &value));
   value->text = text;
   value->length = length;
   return SC_OK;
}
