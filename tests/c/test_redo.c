// Results that the tape does not keep but computes again: only while they are what was computed.
#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/redo.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"

enum { VALUES = 2 * 4 * 3 * 3 };

static ScTensor *maps_on(ScDevice *device) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, device, SC_F32, 4, (int64_t[]){2, 4, 3, 3}));
   for (int64_t i = 0; i < VALUES; i++) sc_store(SC_F32, t->buffer->data, i, (double)(i * 7 % 11));
   t->requires_grad = true;
   return t;
}

static ScTensor *maps(void) {
   return maps_on(sc_device_cpu());
}

static ScTensor *norm(ScTensor *x) {
   ScTensor *y, *in[6] = {x};
   assert_ok(sc_apply(&y, "batch_norm", 6, in, &(ScAttr){.i = true}, 1));
   return y;
}

// The gradient of w in sum(y * w), which is y.
static ScTensor *gradient(ScTensor *y) {
   ScTensor *w = maps(), *product, *sum, *in[] = {y, w};
   assert_ok(sc_apply(&product, "mul", 2, in, NULL, 0));
   assert_ok(sc_apply(&sum, "sum", 1, &product, NULL, 0));
   assert_ok(sc_backward(sum, NULL, false));
   ScTensor *grad = sc_tensor_retain(w->grad), *all[] = {w, product, sum};
   sc_tensor_release_all(3, all);
   return grad;
}

static void it_is_the_same_bit_for_bit(void **state) {
   (void)state;
   ScTensor *x = maps(), *y = norm(x);
   assert_true(sc_can_be_redone(y) && !sc_can_be_redone(x));
   ScTensor *grad = gradient(y);
   assert_ptr_not_equal(grad->buffer, y->buffer);
   assert_memory_equal(grad->buffer->data, y->buffer->data, VALUES * sizeof(float));
   assert_false(sc_can_be_redone(y)); // its call is consumed
   ScTensor *all[] = {x, y, grad};
   sc_tensor_release_all(3, all);
}

static void what_was_written_over_is_kept(void **state) {
   (void)state;
   ScTensor *x = maps(), *y = norm(x);
   assert_ok(sc_tensor_fill(y, 5));
   assert_false(sc_can_be_redone(y));
   ScTensor *grad = gradient(y);
   assert_memory_equal(grad->buffer->data, y->buffer->data, VALUES * sizeof(float));
   ScTensor *all[] = {x, y, grad};
   sc_tensor_release_all(3, all);
}

static void what_ref_gives_is_kept(void **state) {
   (void)state;
   ScTensor *x = maps_on(sc_device_ref()), *y = norm(x), *all[] = {x, y};
   assert_false(sc_can_be_redone(y));
   sc_tensor_release_all(2, all);
}

static void there_is_room_for_some(void **state) {
   (void)state;
   sc_redo_above(VALUES * sizeof(float));
   ScTensor *x = maps(), *kept = norm(x), *y = norm(x);
   assert_true(!sc_can_be_redone(kept) && sc_can_be_redone(y));
   ScTensor *grad = gradient(kept), *again = norm(x); // its call is consumed
   assert_false(sc_can_be_redone(again));
   sc_redo_above(0);
   ScTensor *all[] = {x, kept, y, grad, again};
   sc_tensor_release_all(5, all);
}

int main(void) {
   sc_redo_above(0);
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(it_is_the_same_bit_for_bit),
       cmocka_unit_test(what_was_written_over_is_kept),
       cmocka_unit_test(what_ref_gives_is_kept),
       cmocka_unit_test(there_is_room_for_some),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
