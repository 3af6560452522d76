// Memory of a graph: what is let go of while it lives is nobody else's, also where the host has no memory left.
#include "host/core/recording.h"

#include "host/core/buffer.h"
#include "tests/c/check.h"
#include "tests/c/heap.h"

enum { BYTES = 12345, MANY = 600 };

static ScBuffer *new_buffer(void) {
   ScBuffer *buffer;
   assert_ok(sc_buffer_new(&buffer, sc_device_cpu(), BYTES));
   return buffer;
}

static void release_without_memory(ScBuffer *buffer) {
   seen = 0, fails_at = 1;
   sc_buffer_release(buffer);
   fails_at = 0;
}

static bool is_one_of(const void *data, int n, void *const *list) {
   for (int i = 0; i < n; i++)
      if (list[i] == data) return true;
   return false;
}

static void test_memory_stays_the_graphs(void **state) {
   (void)state;
   static ScBuffer *before[MANY], *after[MANY];
   static void *memory[MANY];
   size_t live = sc_device_memory(sc_device_cpu()).live;
   for (int i = 0; i < MANY; i++) before[i] = new_buffer(), memory[i] = before[i]->data;
   assert_true(sc_recording_begin(sc_device_cpu(), 0, NULL, (ScGraphDraws){NULL, 0}));
   assert_null(sc_recording_stop());
   for (int i = 0; i < MANY; i++) release_without_memory(before[i]);
   for (int i = 0; i < MANY; i++) after[i] = new_buffer();
   for (int i = 0; i < MANY; i++) assert_false(is_one_of(after[i]->data, MANY, memory));
   for (int i = 0; i < MANY; i++) sc_buffer_release(after[i]);
   sc_recording_end(sc_device_cpu()->pool);
   assert_int_equal(sc_device_memory(sc_device_cpu()).live, live);
}

// What is let go of while it is recorded serves what comes, the smallest that suffices first.
static void test_memory_serves_again(void **state) {
   (void)state;
   static const size_t sizes[] = {4096, 1 << 16, 5000};
   ScBuffer *buffer[3];
   assert_true(sc_recording_begin(sc_device_cpu(), 0, NULL, (ScGraphDraws){NULL, 0}));
   for (int i = 0; i < 3; i++) assert_ok(sc_buffer_new(&buffer[i], sc_device_cpu(), sizes[i]));
   void *memory[] = {buffer[0]->data, buffer[1]->data, buffer[2]->data};
   for (int i = 0; i < 3; i++) sc_buffer_release(buffer[i]);
   size_t live = sc_device_memory(sc_device_cpu()).live;
   for (int i = 2; i >= 0; i--) {
      assert_ok(sc_buffer_new(&buffer[i], sc_device_cpu(), sizes[i] - 100));
      assert_ptr_equal(buffer[i]->data, memory[i]);
      assert_int_equal(buffer[i]->refs, 1);
      assert_false(buffer[i]->packed);
   }
   assert_int_equal(sc_device_memory(sc_device_cpu()).live, live);
   for (int i = 0; i < 3; i++) sc_buffer_release(buffer[i]);
   assert_null(sc_recording_stop());
   sc_recording_end(sc_device_cpu()->pool);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_memory_stays_the_graphs),
       cmocka_unit_test(test_memory_serves_again),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
