// The tape and the dispatch of ops: gradients that add up, graphs that are consumed, shared and freed,
// arguments that are refused, memory that runs out at any point.
#include <math.h>
#include <stdlib.h>

#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/function.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"

static ScTensor *vector(int64_t n, double first, bool requires_grad) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, sc_device_cpu(), SC_F32, 1, &n));
   for (int64_t i = 0; i < n; i++) sc_store(SC_F32, t->buffer->data, i, first + (double)i);
   t->requires_grad = requires_grad;
   return t;
}

static double at(const ScTensor *t, int64_t index) {
   double element; // room for any dtype
   assert_ok(sc_tensor_item(t, index, &element));
   return sc_load(t->dtype, &element, 0);
}

static ScTensor *binary(const char *op, ScTensor *a, ScTensor *b) {
   ScTensor *y, *in[] = {a, b};
   assert_ok(sc_apply(&y, op, 2, in, NULL, 0));
   return y;
}

static ScTensor *total(ScTensor *x) {
   ScTensor *y;
   assert_ok(sc_apply(&y, "sum", 1, &x, NULL, 0));
   return y;
}

static size_t live(void) {
   return sc_device_memory(sc_device_cpu()).live;
}

// sum(x * x + x)
static ScTensor *objective(ScTensor *x) {
   ScTensor *square = binary("mul", x, x), *more = binary("add", square, x), *y = total(more);
   sc_tensor_release(square);
   sc_tensor_release(more);
   return y;
}

static void test_gradients_add_up(void **state) {
   (void)state;
   size_t before = live();
   ScTensor *x = vector(3, 1, true);
   for (int round = 1; round <= 3; round++) {
      ScTensor *y = objective(x);
      assert_true(at(y, 0) == 20);
      assert_ok(sc_backward(y, NULL, false));
      for (int i = 0; i < 3; i++) assert_true(at(x->grad, i) == round * (2 * (i + 1) + 1));
      sc_tensor_release(y);
   }
   assert_null(x->grad->node);
   sc_tensor_release(x);
   assert_int_equal(live(), before);
}

static void test_a_graph_is_consumed(void **state) {
   (void)state;
   ScTensor *x = vector(3, 1, true), *y = objective(x);
   assert_ok(sc_backward(y, NULL, true));
   assert_ok(sc_backward(y, NULL, false));
   assert_true(at(x->grad, 0) == 6);
   assert_fails(sc_backward(y, NULL, false), SC_EARG, "already consumed");
   assert_true(at(x->grad, 0) == 6);
   assert_true(sc_is_recording());
   sc_tensor_release(y);
   sc_tensor_release(x);
}

static void test_what_backward_refuses(void **state) {
   (void)state;
   ScTensor *x = vector(3, 1, true), *plain = vector(3, 1, false), *y = binary("mul", x, x);
   assert_fails(sc_backward(y, NULL, false), SC_EARG, "expected a scalar, found shape (3)");
   assert_fails(sc_backward(plain, NULL, false), SC_EARG, "does not depend on anything");
   ScTensor *seed = vector(4, 1, false);
   assert_fails(sc_backward(y, seed, false), SC_EARG, "expected a gradient of shape (3)");
   assert_ok(sc_backward(y, plain, false));
   assert_true(at(x->grad, 2) == 18);
   sc_tensor_release(seed);
   sc_tensor_release(y);
   sc_tensor_release(plain);
   sc_tensor_release(x);
}

static void test_recording_can_be_off(void **state) {
   (void)state;
   ScTensor *x = vector(3, 1, true);
   assert_true(sc_set_recording(false));
   ScTensor *y = binary("mul", x, x);
   assert_false(sc_set_recording(true));
   assert_null(y->node);
   ScTensor *fixed = vector(3, 1, false), *z = binary("mul", fixed, fixed);
   assert_null(z->node); // nothing in it needs a gradient
   sc_tensor_release(z);
   sc_tensor_release(fixed);
   sc_tensor_release(y);
   sc_tensor_release(x);
}

// The gradient of a sum is handed to both operands without a copy; writing one must not change the other.
static void test_shared_gradients_part_when_written(void **state) {
   (void)state;
   ScTensor *a = vector(3, 1, true), *b = vector(3, 5, true), *s = binary("add", a, b), *y = total(s);
   assert_ok(sc_backward(y, NULL, false));
   assert_ptr_equal(a->grad->buffer, b->grad->buffer);
   assert_ok(sc_tensor_fill(a->grad, 7));
   assert_true(at(a->grad, 1) == 7 && at(b->grad, 1) == 1);
   sc_tensor_release(y);
   sc_tensor_release(s);
   sc_tensor_release(b);
   sc_tensor_release(a);
}

// What was recorded keeps its values when the tensor is written afterwards.
static void test_writing_after_recording(void **state) {
   (void)state;
   ScTensor *x = vector(3, 1, true), *y = objective(x);
   assert_ok(sc_tensor_fill(x, 100));
   assert_ok(sc_backward(y, NULL, false));
   assert_true(at(x->grad, 2) == 7);
   sc_tensor_release(y);
   sc_tensor_release(x);
}

// Neither backward nor freeing may recurse along a chain.
static void test_long_chains(void **state) {
   (void)state;
   enum { LENGTH = 100000 };
   size_t before = live();
   for (int consume = 0; consume < 2; consume++) {
      ScTensor *x = vector(1, 1, true), *one = vector(1, 1, false), *y = sc_tensor_retain(x);
      for (int i = 0; i < LENGTH; i++) {
         ScTensor *next = binary("add", y, one);
         sc_tensor_release(y);
         y = next;
      }
      if (consume) {
         assert_ok(sc_backward(y, NULL, false));
         assert_true(at(y, 0) == LENGTH + 1 && at(x->grad, 0) == 1);
      }
      sc_tensor_release(y);
      sc_tensor_release(one);
      sc_tensor_release(x);
   }
   assert_int_equal(live(), before);
}

// ---- dispatch ----

static void test_refused_arguments(void **state) {
   (void)state;
   ScTensor *a = vector(3, 1, false), *far, *freed, *y = NULL;
   ScAttr ref = {.device = sc_device_ref()};
   assert_ok(sc_apply(&far, "to_device", 1, &a, &ref, 1));
   assert_fails(sc_apply(&y, "nonsense", 1, &a, NULL, 0), SC_EUNSUPPORTED, "no op named 'nonsense'");
   ScTensor *apart[] = {a, far};
   assert_fails(sc_apply(&y, "add", 2, apart, NULL, 0), SC_EARG,
                "argument 'b' is on ref but the others are on cpu");
   assert_ok(sc_tensor_shape_only(&freed, sc_device_cpu(), SC_F32, 1, a->shape));
   assert_fails(sc_apply(&y, "exp", 1, &freed, NULL, 0), SC_EARG, "argument 'x' has been freed");
   assert_null(y);
   sc_tensor_release(freed);
   sc_tensor_release(far);
   sc_tensor_release(a);
}

static void test_ops_are_sorted_and_documented(void **state) {
   (void)state;
   assert_non_null(sc_op_at(0));
   for (int i = 0; sc_op_at(i); i++) {
      const ScOp *op = sc_op_at(i);
      assert_ptr_equal(sc_op_find(op->name), op);
      assert_true(op->doc && op->doc[0]);
      if (i > 0) assert_true(strcmp(sc_op_at(i - 1)->name, op->name) < 0);
      for (int p = 0; p < op->nparams; p++) {
         if (!op->params[p].doc)
            fail_msg("%s: parameter '%s' has no documentation", op->name, op->params[p].name);
         if (op->params[p].kind == SC_CHOICE) assert_non_null(op->params[p].choices);
      }
   }
}

static void test_lists(void **state) {
   (void)state;
   ScTensor *parts[] = {vector(2, 1, true), vector(3, 7, false), vector(1, 9, true)}, *y;
   assert_ok(sc_apply(&y, "concat", 3, parts, NULL, 0));
   assert_true(y->shape[0] == 6 && at(y, 2) == 7 && at(y, 5) == 9);
   ScTensor *seed = vector(6, 10, false);
   assert_ok(sc_backward(y, seed, false));
   assert_true(at(parts[0]->grad, 1) == 11 && at(parts[2]->grad, 0) == 15);
   assert_null(parts[1]->grad);
   sc_tensor_release(seed);
   sc_tensor_release(y);
   for (int i = 0; i < 3; i++) sc_tensor_release(parts[i]);
}

// Every list that an op writes becomes its own and gets a new stamp; the gradients are only read.
static void test_writing_in_place(void **state) {
   (void)state;
   ScTensor *tensors[] = {vector(2, 1, true),  vector(3, 1, true),  vector(2, 0, false),
                          vector(3, 0, false), vector(2, 0, false), vector(3, 0, false)};
   ScTensor *kept[6];
   uint64_t stamps[6];
   ScCall *call;
   assert_ok(sc_call_new(&call, sc_op_find("sgd_step"), 6));
   for (int i = 0; i < 6; i++) {
      assert_ok(sc_tensor_alias(&kept[i], tensors[i], 1, tensors[i]->shape));
      stamps[i] = tensors[i]->buffer->stamp;
      call->in[i] = sc_tensor_retain(tensors[i]);
      call->count[i / 2] = 2;
   }
   assert_ok(sc_tensor_fill(tensors[2], 1));
   assert_ok(sc_tensor_fill(tensors[3], 1));
   stamps[2] = tensors[2]->buffer->stamp, stamps[3] = tensors[3]->buffer->stamp;
   call->attr[0].f = 0.5; // lr
   call->attr[1].f = 0.9; // momentum
   assert_ok(sc_call_run(call));
   assert_int_equal(call->nout, 0);
   sc_call_free(call);
   assert_true(at(tensors[0], 0) == 0.5 && at(tensors[1], 0) == 0.5 && at(tensors[4], 0) == 1);
   assert_true(at(kept[0], 0) == 1 && at(kept[1], 0) == 1 && at(kept[4], 0) == 0);
   for (int i = 0; i < 6; i++) {
      bool written = i / 2 != 1;
      assert_int_equal(tensors[i]->buffer->stamp != stamps[i], written);
      sc_tensor_release(kept[i]);
      sc_tensor_release(tensors[i]);
   }
}

// The conversion op on the cpu gives the bits that single conversions give, also for odd numbers.
static void test_bf16_in_blocks(void **state) {
   (void)state;
   enum { N = 1 << 17 };
   ScTensor *x = vector(N, 0, false), *half, *back;
   uint32_t *bits = x->buffer->data;
   for (uint32_t i = 0; i < N; i++) bits[i] = i * 0x8001u; // every 16-bit prefix, with different rests
   assert_ok(sc_apply(&half, "to", 1, &x, &(ScAttr){.i = SC_BF16}, 1));
   assert_ok(sc_apply(&back, "to", 1, &half, &(ScAttr){.i = SC_F32}, 1));
   const uint16_t *halves = half->buffer->data;
   for (int i = 0; i < N; i++) {
      float wide = sc_bf16_to_f32(halves[i]);
      assert_int_equal(halves[i], sc_f32_to_bf16(((const float *)x->buffer->data)[i]));
      assert_memory_equal(&wide, (const float *)back->buffer->data + i, sizeof wide);
   }
   sc_tensor_release(back);
   sc_tensor_release(half);
   sc_tensor_release(x);
}

// How many of n entries are 0; the others must be `value`.
static int64_t zeros(const ScTensor *t, double value) {
   int64_t n = sc_numel(t), count = 0;
   const float *data = t->buffer->data;
   for (int64_t i = 0; i < n; i++) {
      count += data[i] == 0;
      assert_true(data[i] == 0 || fabs(data[i] - value) < 1e-6);
   }
   return count;
}

static ScTensor *dropped(ScTensor *x, double p) {
   ScTensor *y;
   ScAttr attr = {.f = p};
   assert_ok(sc_apply(&y, "dropout", 1, &x, &attr, 1));
   return y;
}

// The share of zeros is within five standard errors of p, backward uses the mask of forward, and each call a
// new one.
static void test_dropout(void **state) {
   (void)state;
   enum { N = 100000 };
   ScTensor *x = vector(N, 0, true);
   assert_ok(sc_tensor_fill(x, 3));
   ScTensor *y = dropped(x, 0.3), *other = dropped(x, 0.3), *all = dropped(x, 1), *sum = total(y);
   double share = (double)zeros(y, 3 / 0.7) / N;
   assert_true(fabs(share - 0.3) < 5 * sqrt(0.3 * 0.7 / N));
   assert_memory_not_equal(y->buffer->data, other->buffer->data, sc_nbytes(y));
   assert_int_equal(zeros(all, 0), N);
   assert_ok(sc_backward(sum, NULL, false));
   zeros(x->grad, 1 / 0.7);
   const float *out = y->buffer->data, *grad = x->grad->buffer->data;
   for (int i = 0; i < N; i++) assert_int_equal(out[i] == 0, grad[i] == 0);
   ScTensor *made[] = {y, other, all, sum, x};
   for (int i = 0; i < 5; i++) sc_tensor_release(made[i]);
}

// ---- memory that runs out ----

// A small network of many kinds of ops, forward and backward. Releases what it made.
static ScStatus network(ScTensor *x, ScTensor *w) {
   ScTensor *t[7] = {0}, *in[2] = {x, w};
   ScAttr shape = {.ints = {.n = 3, .v = {3, 2, 2}}}, dim = {.i = 1}, dims = {.ints = {2, {0, 2}}};
   ScStatus status = sc_apply(&t[0], "mul", 2, in, NULL, 0);
   if (status == SC_OK) status = sc_apply(&t[1], "silu", 1, &t[0], NULL, 0);
   if (status == SC_OK) status = sc_apply(&t[2], "reshape", 1, &t[1], &shape, 1);
   if (status == SC_OK) status = sc_apply(&t[3], "softmax", 1, &t[2], &dim, 1);
   if (status == SC_OK) status = sc_apply(&t[4], "max", 1, &t[3], &dims, 1);
   if (status == SC_OK) status = sc_apply(&t[5], "dropout", 1, &t[4], NULL, 0);
   if (status == SC_OK) status = sc_apply(&t[6], "sum", 1, &t[5], NULL, 0);
   if (status == SC_OK) status = sc_backward(t[6], NULL, false);
   for (int i = 0; i < 7; i++) sc_tensor_release(t[i]);
   return status;
}

static void drop_gradient(ScTensor *t) {
   sc_tensor_release(t->grad);
   t->grad = NULL;
}

// With a limit that grows by one block at a time, every allocation fails once; each failure must leave nothing
// behind.
static void test_memory_runs_out_anywhere(void **state) {
   (void)state;
   ScTensor *x = vector(12, 1, true), *w = vector(12, 2, true);
   size_t before = live();
   int failures = 0;
   for (size_t room = 0; room < 64 * 1024; room += 64) {
      sc_memory_limit(before + room);
      ScStatus status = network(x, w);
      sc_memory_limit(0);
      drop_gradient(x);
      drop_gradient(w);
      assert_int_equal(live(), before);
      assert_true(sc_is_recording());
      if (status == SC_OK) break;
      assert_int_equal(status, SC_EMEM);
      failures++;
   }
   assert_in_range(failures, 5, 100);
   assert_ok(network(x, w));
   sc_tensor_release(x);
   sc_tensor_release(w);
}

// A function made outside the core: twice its first input plus its second one.
typedef struct {
   ScFunction base;
   int released, called;
   bool fails, wrong;
} Outside;

static ScStatus outside_backward(ScFunction *base, ScCall *call) {
   Outside *f = (Outside *)base;
   f->called++;
   if (call->needs_grad[1])
      SC_TRY(sc_tensor_alias(&call->grad_in[1], call->grad_out[0], call->grad_out[0]->rank,
                             f->wrong ? (int64_t[]){1} : call->grad_out[0]->shape));
   if (f->fails) return sc_fail(SC_ELUA, "no wish to");
   ScTensor *both[] = {call->grad_out[0], call->grad_out[0]};
   return sc_apply(&call->grad_in[0], "add", 2, both, NULL, 0);
}

static void outside_release(ScFunction *base) {
   ((Outside *)base)->released++;
}

static const Outside outside = {.base = {"outside", outside_backward, outside_release}};

static ScStatus call_outside(ScTensor **out, Outside *f, ScTensor *a, ScTensor *b) {
   ScTensor *sum[2] = {0}, *in[3] = {a, b, NULL}, *pair[2] = {a, a};
   bool before = sc_set_recording(false);
   ScStatus status = sc_apply(&sum[0], "add", 2, pair, NULL, 0);
   pair[0] = sum[0], pair[1] = b;
   if (status == SC_OK) status = sc_apply(&sum[1], "add", 2, pair, NULL, 0);
   sc_set_recording(before);
   sc_tensor_release(sum[0]);
   if (status == SC_OK)
      status = sc_function_record(&f->base, 3, in, 1, &sum[1]);
   else
      f->released++; // never handed over
   *out = status == SC_OK ? sum[1] : NULL;
   if (status != SC_OK) sc_tensor_release(sum[1]);
   return status;
}

static void test_functions_from_outside(void **state) {
   (void)state;
   size_t before = live();
   ScTensor *a = vector(3, 1, true), *b = vector(3, 5, true), *y, *sum;
   Outside f = outside;
   assert_ok(call_outside(&y, &f, a, b));
   sum = total(y);
   assert_ok(sc_backward(sum, NULL, true));
   assert_int_equal(f.released, 0);
   assert_ok(sc_backward(sum, NULL, false));
   assert_int_equal(f.called, 2);
   assert_int_equal(f.released, 1); // consumed, while y is still held
   for (int i = 0; i < 3; i++) assert_true(at(a->grad, i) == 4 && at(b->grad, i) == 2);
   sc_tensor_release(sum);
   sc_tensor_release(y);

   f = outside; // never walked
   assert_ok(call_outside(&y, &f, a, b));
   sc_tensor_release(y);
   assert_int_equal(f.released, 1);

   Outside failing = outside, wrong = outside;
   failing.fails = wrong.wrong = true;
   assert_ok(call_outside(&y, &failing, a, b));
   assert_fails(sc_backward(y, b, false), SC_ELUA, "in the backward of outside: no wish to");
   assert_true(sc_is_recording());
   assert_fails(sc_backward(y, b, false), SC_ELUA, "no wish to");
   sc_tensor_release(y);
   assert_int_equal(failing.released, 1);
   assert_ok(call_outside(&y, &wrong, a, b));
   assert_fails(sc_backward(y, b, false), SC_EARG, "argument 2: expected a gradient of shape (3)");
   sc_tensor_release(y);
   assert_int_equal(wrong.released, 1);
   sc_tensor_release(a);
   sc_tensor_release(b);
   assert_int_equal(live(), before);
}

static ScStatus outside_network(Outside *f, ScTensor *a, ScTensor *b) {
   ScTensor *y = NULL, *sum = NULL;
   ScStatus status = call_outside(&y, f, a, b);
   if (status == SC_OK) status = sc_apply(&sum, "sum", 1, &y, NULL, 0);
   if (status == SC_OK) status = sc_backward(sum, NULL, false);
   sc_tensor_release(sum);
   sc_tensor_release(y);
   return status;
}

static void test_memory_runs_out_around_functions(void **state) {
   (void)state;
   ScTensor *a = vector(40, 1, true), *b = vector(40, 2, true);
   size_t before = live();
   int failures = 0;
   for (size_t room = 0; room < 64 * 1024; room += 64) {
      Outside f = outside;
      sc_memory_limit(before + room);
      ScStatus status = outside_network(&f, a, b);
      sc_memory_limit(0);
      assert_int_equal(f.released, 1);
      drop_gradient(a);
      drop_gradient(b);
      assert_int_equal(live(), before);
      if (status == SC_OK) break;
      assert_int_equal(status, SC_EMEM);
      failures++;
   }
   assert_in_range(failures, 3, 100);
   sc_tensor_release(a);
   sc_tensor_release(b);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_gradients_add_up),
       cmocka_unit_test(test_a_graph_is_consumed),
       cmocka_unit_test(test_what_backward_refuses),
       cmocka_unit_test(test_recording_can_be_off),
       cmocka_unit_test(test_shared_gradients_part_when_written),
       cmocka_unit_test(test_writing_after_recording),
       cmocka_unit_test(test_long_chains),
       cmocka_unit_test(test_refused_arguments),
       cmocka_unit_test(test_ops_are_sorted_and_documented),
       cmocka_unit_test(test_lists),
       cmocka_unit_test(test_writing_in_place),
       cmocka_unit_test(test_bf16_in_blocks),
       cmocka_unit_test(test_dropout),
       cmocka_unit_test(test_memory_runs_out_anywhere),
       cmocka_unit_test(test_functions_from_outside),
       cmocka_unit_test(test_memory_runs_out_around_functions),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
