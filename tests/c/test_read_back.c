// What was written, compared with what should be there: a file that differs in one thing alone, and is else a
// good one, is told from the right one by that.
#include "host/files/read_back.h"
#include "host/files/safetensors_write.h"
#include "tests/c/damage.h"

static ScState expected;
static int64_t begins[3];

static ScTensor *filled(ScDtype dtype, int rank, const int64_t *shape, double value) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, test_device(), dtype, rank, shape));
   assert_ok(sc_tensor_fill(t, value));
   return t;
}

static void make_state(ScState *state) {
   *state = (ScState){0};
   assert_ok(sc_state_add(state, "conv", filled(SC_F32, 4, (int64_t[]){2, 3, 1, 1}, 1)));
   assert_ok(sc_state_add(state, "bias", filled(SC_F32, 1, (int64_t[]){6}, 2)));
   assert_ok(sc_state_add(state, "count", filled(SC_I64, 0, NULL, 3)));
   assert_ok(sc_state_annotate(state, "classes", "[]"));
   assert_ok(sc_state_annotate(state, "model", "small"));
}

static uint32_t sum_of(const char *path) {
   ScSource source;
   uint32_t sum = 0;
   assert_ok(sc_source_open(&source, path));
   assert_ok(sc_source_crc32(&source, 0, &sum));
   sc_source_close(&source);
   return sum;
}

static ScStatus compare(const char *path, uint32_t sum) {
   ScSource source;
   assert_ok(sc_source_open(&source, path));
   ScStatus status = sc_read_back(&source, &(ScWritten){&expected, begins, false, sum});
   sc_source_close(&source);
   return status;
}

// A file of another state, of which everything else is as the writer said, its sum included.
static void assert_tells(ScState *other, const char *what) {
   const char *path = scratch("other.safetensors");
   assert_ok(sc_safetensors_write(path, other));
   assert_fails(compare(path, sum_of(path)), SC_EFORMAT, what);
   sc_state_free(other);
}

static void replace(ScEntry *entry, ScTensor *tensor) {
   sc_tensor_release(entry->tensor);
   entry->tensor = tensor;
}

static void rename_to(char **text, const char *name) {
   free(*text);
   *text = strdup(name);
}

static void the_right_file_passes(void **context) {
   (void)context;
   const char *path = scratch("right.safetensors");
   assert_ok(sc_safetensors_write(path, &expected));
   assert_ok(compare(path, sum_of(path)));
   assert_fails(compare(path, sum_of(path) + 1), SC_EFORMAT, "right.safetensors: other bytes");
}

static void entries_are_compared(void **context) {
   (void)context;
   ScState other;
   make_state(&other);
   rename_to(&other.entries[1].name, "bios");
   assert_tells(&other, "'bias' has another name");
   make_state(&other);
   replace(&other.entries[0], filled(SC_F32, 4, (int64_t[]){3, 2, 1, 1}, 1));
   assert_tells(&other, "'conv' has another shape");
   make_state(&other);
   replace(&other.entries[0], filled(SC_F32, 3, (int64_t[]){2, 3, 1}, 1));
   assert_tells(&other, "'conv' has another shape");
   make_state(&other);
   replace(&other.entries[2], filled(SC_F64, 0, NULL, 3));
   assert_tells(&other, "'count' has another dtype");
   make_state(&other);
   sc_tensor_release(other.entries[2].tensor);
   free(other.entries[--other.n].name);
   assert_tells(&other, "2 entries, expected 3");
   make_state(&other);
   begins[0] = 9;
   assert_tells(&other, "'conv' has another offset");
   begins[0] = 8;
}

static void metadata_is_compared(void **context) {
   (void)context;
   ScState other;
   make_state(&other);
   rename_to(&other.metadata[1].value, "large");
   assert_tells(&other, "'model' has other metadata");
   make_state(&other);
   rename_to(&other.metadata[1].key, "network");
   assert_tells(&other, "'model' has other metadata");
   make_state(&other);
   assert_ok(sc_state_annotate(&other, "more", ""));
   assert_tells(&other, "'more' has metadata of its own");
   make_state(&other);
   free(other.metadata[1].key);
   free(other.metadata[--other.nmetadata].value);
   assert_tells(&other, "'model' has other metadata");
}

static int setup(void **state) {
   make_state(&expected);
   begins[0] = 8, begins[1] = 32, begins[2] = 0; // the eight bytes of the count come first
   return scratch_setup(state);
}

static int teardown(void **state) {
   sc_state_free(&expected);
   return scratch_teardown(state);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(the_right_file_passes),
       cmocka_unit_test(entries_are_compared),
       cmocka_unit_test(metadata_is_compared),
   };
   return cmocka_run_group_tests(tests, setup, teardown);
}
