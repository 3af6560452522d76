// Safetensors files that are mapped: read where they lie, written to by nobody, cut off under a reader.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "host/core/call.h"
#include "host/files/mapped.h"
#include "tests/c/damage.h"

enum { ROWS = 4096, COLUMNS = 16, DATA = 512 }; // a row is 64 bytes; the data begins at byte 512

// "x" f32 (ROWS, COLUMNS), whose value number i is i; "n" i32 (3): 7, 8, 9; "s" f32 scalar 2.5; "p" f32 (1, 2,
// 2, 1): 1 to 4.
static const char *write_file(const char *name) {
   size_t x = (size_t)ROWS * COLUMNS * 4, size = DATA + x + 12 + 4 + 16;
   char *bytes = calloc(1, size);
   int length = snprintf(bytes + 8, DATA - 8,
                         "{\"__metadata__\":{\"note\":\"hello\"},"
                         "\"x\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%zu]},"
                         "\"n\":{\"dtype\":\"I32\",\"shape\":[3],\"data_offsets\":[%zu,%zu]},"
                         "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[%zu,%zu]},"
                         "\"p\":{\"dtype\":\"F32\",\"shape\":[1,2,2,1],\"data_offsets\":[%zu,%zu]}}",
                         ROWS, COLUMNS, x, x, x + 12, x + 12, x + 16, x + 16, x + 32);
   memset(bytes + 8 + length, ' ', (size_t)(DATA - 8 - length));
   uint64_t header = DATA - 8;
   memcpy(bytes, &header, sizeof header);
   float *values = (float *)(bytes + DATA);
   for (int i = 0; i < ROWS * COLUMNS; i++) values[i] = (float)i;
   memcpy(bytes + DATA + x, (int32_t[]){7, 8, 9}, 12);
   memcpy(bytes + DATA + x + 12, (float[]){2.5f, 1, 2, 3, 4}, 20);
   spill(scratch(name), bytes, size);
   free(bytes);
   return scratch(name);
}

static ScStatus map_file(const char *path, ScMapped **out) {
   ScSource source;
   *out = NULL;
   SC_TRY(sc_source_open(&source, path));
   ScStatus status = sc_mapped_open(out, &source);
   sc_source_close(&source);
   return status;
}

static ScMapped *mapped(const char *path) {
   ScMapped *m;
   assert_ok(map_file(path, &m));
   return m;
}

static ScTensor *part(ScMapped *m, const char *name, int64_t from, int64_t count) {
   ScTensor *t;
   assert_non_null(sc_mapped_find(m, name));
   assert_ok(sc_mapped_tensor(&t, m, sc_mapped_find(m, name), from, count));
   return t;
}

static float value(const ScTensor *t, int64_t index) {
   float f;
   assert_ok(sc_tensor_item(t, index, &f));
   return f;
}

static void it_is_what_the_file_holds(void **state) {
   (void)state;
   ScState read;
   const char *path = write_file("a.safetensors");
   ScMapped *m = mapped(path);
   assert_ok(load(path, &read));
   for (int i = 0; i < read.n; i++) {
      const ScTensor *expected = read.entries[i].tensor;
      ScTensor *t = part(m, read.entries[i].name, 0, expected->rank > 0 ? expected->shape[0] : 1);
      assert_same_tensor(read.entries[i].name, expected, t);
      sc_tensor_release(t);
   }
   assert_int_equal(read.n, 4);
   sc_state_free(&read);
   assert_string_equal(sc_header_metadata(sc_mapped_header(m), "note"), "hello");
   assert_null(sc_header_metadata(sc_mapped_header(m), "other"));
   assert_null(sc_mapped_find(m, "y"));
   sc_mapped_close(m);
}

static void it_takes_no_memory(void **state) {
   (void)state;
   size_t live = sc_device_memory(test_device()).live, bytes;
   ScMapped *m = mapped(write_file("a.safetensors"));
   ScTensor *t = part(m, "x", 100, 200);
   assert_int_equal(sc_device_memory(test_device()).live, live);
   assert_int_equal((uintptr_t)t->buffer->data % 64, 0);
   assert_ptr_equal(t->buffer->data, sc_mapped_bytes(m, sc_mapped_find(m, "x"), 100, 200, &bytes));
   assert_int_equal(bytes, 200 * 64);
   assert_true(value(t, 0) == 1600 && value(t, 3199) == 4799);
   sc_mapped_close(m); // the tensor has it still
   assert_true(value(t, 17) == 1617);
   ScTensor *same;
   assert_ok(sc_tensor_alias(&same, t, t->rank, t->shape));
   sc_tensor_release(t);
   assert_true(value(same, 3199) == 4799);
   sc_tensor_release(same);
   assert_int_equal(sc_device_memory(test_device()).live, live);
}

// In a device's memory elements may lie otherwise, or wider, than in the file.
static void what_does_not_serve_is_copied(void **state) {
   (void)state;
   ScMapped *m = mapped(write_file("a.safetensors"));
   size_t live = sc_device_memory(test_device()).live;
   static const char *const names[] = {"n", "p", "s"};
   for (int i = 0; i < 3; i++) {
      ScTensor *t = part(m, names[i], 0, 1);
      assert_null(t->buffer->lender);
      assert_true(sc_device_memory(test_device()).live > live);
      sc_tensor_release(t);
   }
   ScTensor *n = part(m, "n", 1, 2);
   int64_t eight;
   assert_ok(sc_tensor_item(n, 0, &eight));
   assert_int_equal(eight, 8);
   assert_int_equal(n->shape[0], 2);
   sc_tensor_release(n);
   sc_mapped_close(m);
}

static void who_writes_gets_a_copy(void **state) {
   (void)state;
   size_t size;
   const char *path = write_file("a.safetensors");
   unsigned char *before = slurp(path, &size), *after;
   ScMapped *m = mapped(path);
   ScTensor *t = part(m, "x", 0, 10), *other = part(m, "x", 0, 10);
   uint64_t stamp = t->buffer->stamp;
   assert_ok(sc_tensor_fill(t, 3));
   assert_true(t->buffer->stamp != stamp);
   assert_true(value(t, 5) == 3 && value(other, 5) == 5);
   ScTensor *third = part(m, "x", 0, 10);
   assert_ok(sc_tensor_own(third, true));
   assert_null(third->buffer->lender);
   assert_true(value(third, 5) == 5);
   after = slurp(path, &size);
   assert_memory_equal(before, after, size);
   free(before);
   free(after);
   sc_tensor_release(t);
   sc_tensor_release(other);
   sc_tensor_release(third);
   assert_ok(sc_mapped_unchanged(m));
   sc_mapped_close(m);
}

static void ops_read_it(void **state) {
   (void)state;
   ScMapped *m = mapped(write_file("a.safetensors"));
   ScTensor *t = part(m, "x", 4, 2), *sum, *both[2] = {t, t};
   assert_ok(sc_apply(&sum, "add", 2, both, NULL, 0));
   assert_true(value(sum, 0) == 128 && value(sum, 31) == 190);
   sc_tensor_release(sum);
   sc_tensor_release(t);
   sc_mapped_close(m);
}

// As scute itself replaces files.
static void one_that_is_replaced_stays_whole(void **state) {
   (void)state;
   const char *path = write_file("a.safetensors");
   ScMapped *m = mapped(path);
   ScTensor *t = part(m, "x", 0, ROWS);
   spill(scratch("b.safetensors"), "short", 5);
   assert_int_equal(rename(scratch("b.safetensors"), path), 0);
   assert_true(value(t, ROWS * COLUMNS - 1) == ROWS * COLUMNS - 1);
   assert_ok(sc_mapped_unchanged(m));
   sc_tensor_release(t);
   sc_mapped_close(m);
}

static void one_that_is_cut_off_is_zeros_and_told(void **state) {
   (void)state;
   for (int round = 0; round < 3; round++) { // the second time a watch is used again
      const char *path = write_file("a.safetensors");
      ScMapped *m = mapped(path);
      ScTensor *t = part(m, "x", 0, ROWS);
      assert_int_equal(truncate(path, 2 * 4096), 0);
      assert_true(value(t, 3) == 3);
      assert_true(value(t, ROWS * COLUMNS - 1) == 0 && value(t, ROWS * COLUMNS / 2) == 0);
      assert_fails(sc_mapped_unchanged(m), SC_EIO, "a.safetensors: a part of it is gone");
      sc_mapped_close(m);
      assert_true(value(t, 3) == 3);
      sc_tensor_release(t);
   }
}

static void one_that_is_written_to_is_told(void **state) {
   (void)state;
   const char *path = write_file("a.safetensors");
   ScMapped *m = mapped(path);
   FILE *file = fopen(path, "r+b");
   assert_non_null(file);
   fseek(file, DATA, SEEK_SET);
   fwrite("....", 1, 4, file);
   fclose(file);
   struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}}; // whatever the clock's steps are
   assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
   assert_fails(sc_mapped_unchanged(m), SC_EIO, "changed while it was read");
   sc_mapped_close(m);
}

// Somebody else's page is not ours to replace.
static void other_pages_end_the_program_as_before(void **state) {
   (void)state;
   const char *path = write_file("a.safetensors");
   spill(scratch("other"), "x", 1);
   fflush(NULL);
   pid_t child = fork();
   if (child == 0) {
      signal(SIGBUS, SIG_DFL); // cmocka has a handler of its own
      ScMapped *m;
      if (map_file(path, &m) != SC_OK) _exit(3);
      int fd = open(scratch("other"), O_RDWR | O_CLOEXEC);
      volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
      if (ftruncate(fd, 0) != 0) _exit(2);
      _exit(page[0]);
   }
   int end;
   assert_int_equal(waitpid(child, &end, 0), child);
   assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGBUS);
}

// kill -BUS is no page that is lost: it does what it did before, and takes nobody's guard away.
static void a_signal_that_is_sent_does_as_before(void **state) {
   (void)state;
   const char *path = write_file("a.safetensors");
   for (int ignored = 0; ignored < 2; ignored++) {
      fflush(NULL);
      pid_t child = fork();
      if (child == 0) {
         signal(SIGBUS, ignored ? SIG_IGN : SIG_DFL);
         ScMapped *m;
         if (map_file(path, &m) != SC_OK) _exit(3);
         raise(SIGBUS);
         if (truncate(path, 2 * 4096) != 0) _exit(2);
         ScTensor *t = part(m, "x", 0, ROWS);
         _exit(value(t, ROWS * COLUMNS - 1) == 0 ? 0 : 1);
      }
      int end;
      assert_int_equal(waitpid(child, &end, 0), child);
      if (ignored)
         assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
      else
         assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGBUS);
   }
}

static void what_is_damaged_is_not_mapped(void **state) {
   (void)state;
   size_t size;
   ScMapped *m;
   unsigned char *bytes = slurp(write_file("a.safetensors"), &size);
   for (size_t n = 0; n < size; n += n < DATA + 8 ? 1 : 4099) {
      spill(scratch("cut"), bytes, n);
      assert_int_equal(map_file(scratch("cut"), &m), SC_EFORMAT);
      assert_null(m);
   }
   free(bytes);
   assert_fails(map_file(scratch("nowhere"), &m), SC_EIO, "nowhere");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(it_is_what_the_file_holds),
       cmocka_unit_test(it_takes_no_memory),
       cmocka_unit_test(what_does_not_serve_is_copied),
       cmocka_unit_test(who_writes_gets_a_copy),
       cmocka_unit_test(ops_read_it),
       cmocka_unit_test(one_that_is_replaced_stays_whole),
       cmocka_unit_test(one_that_is_cut_off_is_zeros_and_told),
       cmocka_unit_test(one_that_is_written_to_is_told),
       cmocka_unit_test(other_pages_end_the_program_as_before),
       cmocka_unit_test(a_signal_that_is_sent_does_as_before),
       cmocka_unit_test(what_is_damaged_is_not_mapped),
   };
   return cmocka_run_group_tests_name("mapped files", tests, scratch_setup, scratch_teardown);
}
