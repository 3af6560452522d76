// Host memory: tensors that what is left does not hold are refused, and nothing that is freed takes a deep
// stack.
#include <pthread.h>

#include "host/core/device.h"
#include "host/core/meter.h"
#include "host/core/tensor.h"
#include "tests/c/check.h"

static ScStatus make(ScTensor **out, int64_t bytes) {
   return sc_tensor_new(out, sc_device_cpu(), SC_U8, 1, &bytes);
}

// ---- what is left ----

static size_t left;
static int readings;

static size_t tell_left(void) {
   readings++;
   return left;
}

static int setup(void **state) {
   (void)state;
   sc_device_flush(sc_device_cpu());
   sc_set_memory_meter(tell_left);
   readings = 0;
   return 0;
}

static int teardown(void **state) {
   (void)state;
   sc_set_memory_meter(NULL);
   return 0;
}

// The system would grant the addresses.
static void what_does_not_fit_is_refused(void **state) {
   (void)state;
   ScTensor *t;
   left = 256 << 20;
   assert_fails(make(&t, 320 << 20), SC_EMEM,
                "335544320 bytes wanted, 268435456 bytes left in memory and swap");
   left = 400 << 20; // something else was given up
   assert_ok(make(&t, 320 << 20));
   sc_tensor_release(t);
}

static void not_all_of_it_is_given(void **state) {
   (void)state;
   ScTensor *t;
   left = 256 << 20;
   assert_fails(make(&t, 255 << 20), SC_EMEM, "out of memory on cpu");
   assert_ok(make(&t, 200 << 20));
   sc_tensor_release(t);
}

static void small_ones_are_added_up(void **state) {
   (void)state;
   enum { MANY = 64 };
   ScTensor *t[MANY];
   left = 64 << 20;
   int fit = 0;
   while (fit < MANY && make(&t[fit], 2 << 20) == SC_OK) fit++, left -= 2 << 20;
   assert_in_range(fit, 28, 31); // of 32
   sc_tensor_release_all(fit, t);
}

static void where_there_is_plenty_it_is_seldom_asked(void **state) {
   (void)state;
   enum { MANY = 64 };
   ScTensor *t[MANY];
   left = (size_t)1 << 30;
   for (int i = 0; i < MANY; i++) assert_ok(make(&t[i], 2 << 20));
   assert_int_equal(readings, 1);
   sc_tensor_release_all(MANY, t);
}

static void nothing_is_refused_where_it_is_not_known(void **state) {
   (void)state;
   ScTensor *t;
   left = 0;
   assert_ok(make(&t, 300 << 20));
   sc_tensor_release(t);
}

// ---- freeing ----

static void *release(void *first) {
   sc_tensor_release(first);
   return NULL;
}

static void release_on_a_small_stack(ScTensor *first) {
   pthread_attr_t attr;
   pthread_t thread;
   assert_int_equal(pthread_attr_init(&attr), 0);
   assert_int_equal(pthread_attr_setstacksize(&attr, 128 << 10), 0);
   assert_int_equal(pthread_create(&thread, &attr, release, first), 0);
   pthread_join(thread, NULL);
   pthread_attr_destroy(&attr);
}

static void gradients_of_gradients_are_freed_without_recursion(void **state) {
   (void)state;
   ScTensor *first = NULL;
   for (int i = 0; i < 100000; i++) {
      ScTensor *t;
      assert_ok(sc_tensor_shape_only(&t, sc_device_cpu(), SC_F32, 0, NULL));
      t->grad = first;
      first = t;
   }
   release_on_a_small_stack(first);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, setup, teardown),
       cmocka_unit_test_setup_teardown(not_all_of_it_is_given, setup, teardown),
       cmocka_unit_test_setup_teardown(small_ones_are_added_up, setup, teardown),
       cmocka_unit_test_setup_teardown(where_there_is_plenty_it_is_seldom_asked, setup, teardown),
       cmocka_unit_test_setup_teardown(nothing_is_refused_where_it_is_not_known, setup, teardown),
       cmocka_unit_test(gradients_of_gradients_are_freed_without_recursion),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
