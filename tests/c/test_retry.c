// Memory that runs out: garbage is collected, and what failed is tried once more.
#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/retry.h"

#include "host/core/tape.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"

static size_t live(void) {
   return sc_device_memory(sc_device_cpu()).live;
}

static int collections;

// What stands for garbage here is the limit.
static void collect(void) {
   collections++;
   sc_memory_limit(0);
}

// sum(x * x) of x, which holds 3.
static ScTensor *objective(ScTensor *x) {
   ScTensor *square, *sum, *both[] = {x, x};
   assert_ok(sc_apply(&square, "mul", 2, both, NULL, 0));
   assert_ok(sc_apply(&sum, "sum", 1, &square, NULL, 0));
   sc_tensor_release(square);
   return sum;
}

// Wherever in it memory runs out, backward goes on.
static void test_backward_goes_on(void **state) {
   (void)state;
   ScTensor *x;
   int tries = 0;
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_F32, 1, (int64_t[]){3}));
   assert_ok(sc_tensor_fill(x, 3));
   x->requires_grad = true;
   size_t before = live();
   sc_set_collector(collect);
   do {
      ScTensor *y = objective(x);
      collections = 0;
      sc_memory_limit(live() + 64 * (size_t)tries++);
      assert_ok(sc_backward(y, NULL, false));
      sc_memory_limit(0);
      for (int i = 0; i < 3; i++) assert_true(((float *)x->grad->buffer->data)[i] == 6);
      sc_tensor_release(y);
      sc_tensor_release(x->grad);
      x->grad = NULL;
      assert_int_equal(live(), before);
      assert_in_range(collections, 0, 1);
   } while (collections > 0);
   sc_set_collector(NULL);
   assert_in_range(tries, 4, 50);
   sc_tensor_release(x);
}

// Once more, not for ever; and what failed for another reason is not tried again.
static int runs;

static ScStatus end_with(void *status) {
   runs++;
   return *(ScStatus *)status;
}

static void test_one_more_time(void **state) {
   (void)state;
   ScStatus memory = SC_EMEM, device = SC_EDEVICE, ok = SC_OK;
   runs = 0;
   assert_int_equal(sc_with_retry(end_with, &memory), SC_EMEM);
   assert_int_equal(runs, 2);
   assert_int_equal(sc_with_retry(end_with, &device), SC_EDEVICE);
   assert_int_equal(runs, 3);
   assert_int_equal(sc_with_retry(end_with, &ok), SC_OK);
   assert_int_equal(runs, 4);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_backward_goes_on),
       cmocka_unit_test(test_one_more_time),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
