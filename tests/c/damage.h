// What a reader of weight files must survive: every truncation and many random changes of a good file. For
// tests only.
#ifndef SCUTE_TESTS_DAMAGE_H
#define SCUTE_TESTS_DAMAGE_H

#include "host/core/transfer.h"
#include "host/files/weights.h"
#include "tests/c/scratch.h"

static inline ScDevice *test_device(void) {
   ScDevice *device;
   assert_ok(sc_device_find("cpu", &device));
   return device;
}

static inline ScStatus load(const char *path, ScState *state) {
   ScFormat format;
   *state = (ScState){0};
   return sc_weights_load(path, test_device(), state, &format);
}

static inline void every_prefix_fails(const char *path) {
   size_t size;
   unsigned char *bytes = slurp(path, &size);
   size_t live = sc_device_memory(test_device()).live;
   const char *cut = scratch("prefix");
   for (size_t n = 0; n < size; n++) {
      ScState state;
      spill(cut, bytes, n);
      if (load(cut, &state) != SC_EFORMAT) fail_msg("%s cut to %zu bytes is read, or fails oddly", path, n);
      assert_int_equal(state.n, 0);
      assert_non_null(strstr(sc_error(), cut));
   }
   free(bytes);
   assert_int_equal(sc_device_memory(test_device()).live, live);
}

// The outcome of a change is free (a changed value is a value), but it must be an outcome, and nothing may
// leak.
static inline void changes_do_no_harm(const char *path, int rounds) {
   size_t size;
   unsigned char *bytes = slurp(path, &size);
   size_t live = sc_device_memory(test_device()).live;
   const char *changed = scratch("changed");
   uint64_t random = 88172645463325252u;
   int refused = 0;
   for (int round = 0; round < rounds; round++) {
      for (size_t at = 0; at < size; at++) {
         ScState state;
         random ^= random << 13, random ^= random >> 7, random ^= random << 17;
         unsigned char old = bytes[at];
         bytes[at] ^= round % 2 ? 1u << random % 8 : 1 + random % 255;
         spill(changed, bytes, size);
         bytes[at] = old;
         ScStatus status = load(changed, &state);
         assert_true(status == SC_OK || status == SC_EFORMAT || status == SC_EMEM);
         refused += status != SC_OK;
         sc_state_free(&state);
      }
   }
   free(bytes);
   assert_true(refused > 0);
   assert_int_equal(sc_device_memory(test_device()).live, live);
}

static inline const ScTensor *find(const ScState *state, const char *name) {
   for (int i = 0; i < state->n; i++)
      if (strcmp(state->entries[i].name, name) == 0) return state->entries[i].tensor;
   fail_msg("no entry %s", name);
   return NULL;
}

static inline void assert_same_tensor(const char *name, const ScTensor *a, const ScTensor *b) {
   if (a->dtype != b->dtype || !sc_same_shape(a, b))
      fail_msg("%s: %s %s, expected %s %s", name, sc_dtype_name(a->dtype), sc_shape_text(a),
               sc_dtype_name(b->dtype), sc_shape_text(b));
   size_t bytes = sc_nbytes(a);
   void *x = malloc(bytes), *y = malloc(bytes);
   assert_ok(sc_tensor_read(a, x));
   assert_ok(sc_tensor_read(b, y));
   if (memcmp(x, y, bytes) != 0) fail_msg("%s differs", name);
   free(x);
   free(y);
}

static inline void assert_same_state(const ScState *a, const ScState *b) {
   assert_true(b->n > 0);
   assert_int_equal(a->n, b->n);
   for (int i = 0; i < a->n; i++)
      assert_same_tensor(a->entries[i].name, a->entries[i].tensor, find(b, a->entries[i].name));
}

#endif
