// Memory that runs out: garbage is collected, and what failed is tried once more.
#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/retry.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/core/rng.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"

// Stands before the C library's: refuses once where it is asked to.
static bool refuses;

int mprotect(void *at, size_t bytes, int protection) {
   if (!refuses) return (int)syscall(SYS_mprotect, at, bytes, protection);
   refuses = false;
   errno = ENOMEM;
   return -1;
}

static size_t live(void) {
   return sc_device_memory(sc_device_cpu()).live;
}

static int collections;
static ScTensor *mean, *var;

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

// What stays beyond a result is done once, however often the call was begun: a half result that needs memory
// after the kernel has run comes before it.
static ScStatus apply_half(void *name) {
   static const int64_t shape[] = {64, 32};
   ScTensor *x, *y;
   SC_TRY(sc_tensor_new(&x, sc_device_cpu(), SC_F16, 2, shape));
   x->requires_grad = true;
   ScTensor *in[] = {x, NULL, NULL, mean, var};
   bool norm = strcmp(name, "batch_norm") == 0;
   ScAttr training = {.i = true}, attr[] = {norm ? training : (ScAttr){.f = 0.5}, training};
   ScStatus status = sc_tensor_fill(x, 3);
   if (status == SC_OK) status = sc_apply(&y, name, norm ? 5 : 1, in, attr, norm ? 1 : 2);
   sc_tensor_release(x);
   if (status == SC_OK) sc_tensor_release(y);
   return status;
}

static void make_statistics(void) {
   int64_t channels = 32;
   assert_ok(sc_tensor_new(&mean, sc_device_cpu(), SC_F32, 1, &channels));
   assert_ok(sc_tensor_new(&var, sc_device_cpu(), SC_F32, 1, &channels));
}

static void test_side_effects_happen_once(void **state) {
   (void)state;
   static const char *const names[] = {"batch_norm", "dropout"};
   make_statistics();
   sc_set_collector(collect);
   for (int n = 0; n < 2; n++) {
      int tries = 0;
      do {
         assert_ok(sc_tensor_fill(mean, 0));
         assert_ok(sc_tensor_fill(var, 1));
         uint64_t stream = sc_rng()->next_stream;
         collections = 0;
         sc_memory_limit(live() + 512 * (size_t)tries++);
         assert_ok(sc_with_retry(apply_half, (void *)names[n]));
         sc_memory_limit(0);
         if (n == 0) assert_true(fabsf(((float *)mean->buffer->data)[0] - 0.3f) < 1e-6f);
         assert_int_equal(sc_rng()->next_stream - stream, n);
      } while (collections > 0);
      assert_in_range(tries, 8, 200);
   }
   sc_set_collector(NULL);
   sc_tensor_release(mean);
   sc_tensor_release(var);
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

// What the pool keeps for later may be all that is in the way.
static void test_cached_blocks_make_room(void **state) {
   (void)state;
   enum { MB = 1 << 20 };
   ScTensor *x;
   sc_device_flush(sc_device_cpu());
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_U8, 1, (int64_t[]){4 * MB}));
   sc_tensor_release(x);
   assert_true(sc_device_memory(sc_device_cpu()).cached > 0);
   refuses = true;
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_U8, 1, (int64_t[]){8 * MB}));
   assert_false(refuses);
   assert_int_equal(sc_device_memory(sc_device_cpu()).cached, 0);
   sc_tensor_release(x);
   sc_device_flush(sc_device_cpu());
}

// Where large blocks lie, nothing is in the way and there is no more: there may be elsewhere.
static void test_large_blocks_may_lie_elsewhere(void **state) {
   (void)state;
   enum { MB = 1 << 20 };
   ScTensor *x;
   size_t before = live();
   sc_device_flush(sc_device_cpu());
   refuses = true;
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_U8, 1, (int64_t[]){16 * MB}));
   assert_false(refuses);
   assert_ok(sc_tensor_fill(x, 3));
   assert_int_equal(live() - before, 16 * MB);
   sc_tensor_release(x);
   assert_int_equal(live(), before);
   sc_device_flush(sc_device_cpu());
   assert_int_equal(sc_device_memory(sc_device_cpu()).cached, 0);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_backward_goes_on),
       cmocka_unit_test(test_side_effects_happen_once),
       cmocka_unit_test(test_one_more_time),
       cmocka_unit_test(test_cached_blocks_make_room),
       cmocka_unit_test(test_large_blocks_may_lie_elsewhere),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
