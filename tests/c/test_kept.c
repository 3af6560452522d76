// What a recorded call keeps: the values that backward will ask for, and no others. Frozen layers cost little
// memory because of it.
#include "host/core/call.h"
#include "host/core/device.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"
#include "host/ops/batch_norm.h"
#include "tests/c/check.h"

// On ref, where no packed weights are kept besides.
static size_t live(void) {
   return sc_device_memory(sc_device_ref()).live;
}

static ScTensor *make(int rank, const int64_t *shape, bool trains) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, sc_device_ref(), SC_F32, rank, shape));
   assert_ok(sc_tensor_fill(t, 0.5));
   t->requires_grad = trains;
   return t;
}

// Twice the leaf: values that only the tape can hold once this is released.
static ScTensor *twice(ScTensor *leaf) {
   ScTensor *sum, *both[] = {leaf, leaf};
   assert_ok(sc_apply(&sum, "add", 2, both, NULL, 0));
   return sum;
}

typedef struct {
   const char *op;
   int rank;
   int64_t x[4], weight[4];
} Product;

static const Product products[] = {
    {"conv2d", 4, {2, 4, 9, 9}, {8, 4, 3, 3}},
    {"linear", 2, {40, 16}, {24, 16}},
    {"matmul", 2, {40, 16}, {16, 24}},
};
enum { PRODUCTS = sizeof products / sizeof products[0] };

// The gradient of x needs the weights, and that of the weights needs x.
static void check_product(const Product *p, bool x_trains, bool weight_trains) {
   ScTensor *x = make(p->rank, p->x, x_trains), *weight = make(p->rank, p->weight, weight_trains), *y;
   size_t before = live();
   ScTensor *in[] = {twice(x), twice(weight)};
   size_t expected = (weight_trains ? in[0]->buffer->bytes : 0) + (x_trains ? in[1]->buffer->bytes : 0);
   assert_ok(sc_apply(&y, p->op, 2, in, NULL, 0));
   for (int i = 0; i < 2; i++) sc_tensor_release(in[i]);
   size_t kept = live() - before - y->buffer->bytes;
   if (kept != expected)
      fail_msg("%s, x %s, weights %s: %zu bytes are kept, expected %zu", p->op, x_trains ? "trains" : "fixed",
               weight_trains ? "train" : "frozen", kept, expected);
   sc_tensor_release(y);
   assert_int_equal(live(), before);
   sc_tensor_release(weight);
   sc_tensor_release(x);
}

static void products_keep_what_backward_asks_for(void **state) {
   (void)state;
   for (int i = 0; i < PRODUCTS; i++)
      for (int trains = 0; trains < 4; trains++) check_product(&products[i], trains & 1, trains & 2);
}

// How often something of the size of x is kept.
static size_t kept_by_batch_norm(bool weight_trains, bool training, ScAct act) {
   ScTensor *x = make(4, (int64_t[]){2, 4, 9, 9}, true), *in[SC_BN_INPUTS] = {0}, *y;
   for (int i = SC_BN_WEIGHT; i <= SC_BN_VAR; i++)
      in[i] = make(1, (int64_t[]){4}, weight_trains && i <= SC_BN_BIAS);
   ScAttr attr[SC_BN_ATTRS] = {{.i = training}, {.f = 0.1}, {.f = 1e-5}, {.i = act}};
   in[SC_BN_X] = twice(x);
   size_t bytes = in[SC_BN_X]->buffer->bytes, before = live() - bytes;
   assert_ok(sc_apply(&y, "batch_norm", SC_BN_INPUTS, in, attr, SC_BN_ATTRS));
   sc_tensor_release(in[SC_BN_X]);
   size_t kept = live() - before - y->buffer->bytes;
   sc_tensor_release(y);
   for (int i = SC_BN_WEIGHT; i <= SC_BN_VAR; i++) sc_tensor_release(in[i]);
   sc_tensor_release(x);
   return kept / bytes;
}

static void frozen_batch_norm_keeps_nothing(void **state) {
   (void)state;
   assert_int_equal(kept_by_batch_norm(false, false, SC_ACT_NONE), 0);
   assert_int_equal(kept_by_batch_norm(true, false, SC_ACT_NONE), 1);
   assert_int_equal(kept_by_batch_norm(false, false, SC_ACT_RELU), 1);
   assert_int_equal(kept_by_batch_norm(true, true, SC_ACT_SILU), 1);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(products_keep_what_backward_asks_for),
       cmocka_unit_test(frozen_batch_norm_keeps_nothing),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
