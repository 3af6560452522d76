// Leaves that backward tells of, and gradients that are added up meanwhile: in which order, how often, and what
// becomes of them where a backward fails. The other process is played here.
#include <stdlib.h>

#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/function.h"
#include "host/core/communicator.h"
#include "host/core/reducer.h"
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
   return sc_load(t->dtype, t->buffer->data, index);
}

static ScTensor *binary(const char *op, ScTensor *a, ScTensor *b) {
   ScTensor *y, *in[] = {a, b};
   assert_ok(sc_apply(&y, op, 2, in, NULL, 0));
   return y;
}

// y = op(y, b), where y is ours.
static void go_on(ScTensor **y, const char *op, ScTensor *b) {
   ScTensor *next = binary(op, *y, b);
   sc_tensor_release(*y);
   *y = next;
}

static void sum_up(ScTensor **y) {
   ScTensor *sum;
   assert_ok(sc_apply(&sum, "sum", 1, y, NULL, 0));
   sc_tensor_release(*y);
   *y = sum;
}

// ---- what is told ----

enum { MOST = 8 };

typedef struct {
   int n;
   ScTensor *leaves[MOST];
   double gradients[MOST]; // the first entry when it was told; -1: none
   ScStatus answer;
} Told;

static ScStatus tell(void *context, ScTensor *leaf) {
   Told *told = context;
   assert_true(told->n < MOST);
   told->leaves[told->n] = leaf;
   told->gradients[told->n++] = leaf->grad ? at(leaf->grad, 0) : -1;
   return told->answer == SC_OK ? SC_OK : sc_fail(told->answer, "the listener fails");
}

static ScStatus backward_told(ScTensor *y, Told *told) {
   ScLeafWatch before = sc_watch_leaves((ScLeafWatch){tell, told});
   ScStatus status = sc_backward(y, NULL, false);
   ScLeafWatch now = sc_watch_leaves(before);
   assert_true(now.context == told && now.final == tell);
   return status;
}

// ((a * b) + shared) * shared * c: c is behind its only use first, shared after both of its own.
static ScTensor *chain(ScTensor *a, ScTensor *b, ScTensor *shared, ScTensor *c) {
   ScTensor *y = binary("mul", a, b);
   go_on(&y, "add", shared);
   go_on(&y, "mul", shared);
   go_on(&y, "mul", c);
   sum_up(&y);
   return y;
}

static void test_leaves_are_told_once(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true), vector(2, 5, true), vector(2, 7, true)};
   ScTensor *y = chain(t[0], t[1], t[2], t[3]);
   Told told = {0};
   assert_ok(backward_told(y, &told));
   assert_int_equal(told.n, 4);
   assert_ptr_equal(told.leaves[0], t[3]);
   assert_ptr_equal(told.leaves[1], t[2]);
   for (int i = 0; i < 4; i++) { // each with the gradient that it has in the end
      assert_non_null(told.leaves[i]->grad);
      assert_true(told.gradients[i] == at(told.leaves[i]->grad, 0));
      for (int k = 0; k < i; k++) assert_ptr_not_equal(told.leaves[i], told.leaves[k]);
   }
   assert_true(at(t[2]->grad, 0) == 7 * (6 + 2 * 5));
   sc_tensor_release(y);

   Told nobody = {0};
   y = chain(t[0], t[1], t[2], t[3]);
   assert_ok(sc_backward(y, NULL, false)); // nobody listens any more
   assert_int_equal(nobody.n, 0);
   sc_tensor_release(y);
   for (int i = 0; i < 4; i++) sc_tensor_release(t[i]);
}

// Slices of one leaf are added where they belong, each after the first one; one use of x is without influence.
static void test_leaves_of_slices(void **state) {
   (void)state;
   ScTensor *x = vector(6, 1, true), *y = NULL;
   for (int64_t i = 0; i < 3; i++) {
      ScTensor *part;
      ScAttr range[] = {{.i = 0}, {.i = 2 * i + 1}, {.i = 2 * i + 2}, {.i = 1}};
      assert_ok(sc_apply(&part, "slice", 1, &x, range, 4));
      if (y)
         go_on(&y, "mul", part);
      else
         y = sc_tensor_retain(part);
      sc_tensor_release(part);
   }
   sum_up(&y);
   Told told = {0};
   assert_ok(backward_told(y, &told));
   assert_int_equal(told.n, 1);
   assert_true(told.gradients[0] == 15 && at(x->grad, 0) == 15 && at(x->grad, 4) == 3);
   sc_tensor_release(y);
   sc_tensor_release(x);
}

static void test_a_listener_that_fails(void **state) {
   (void)state;
   ScTensor *a = vector(2, 2, true), *b = vector(2, 3, true), *y = binary("mul", a, b);
   sum_up(&y);
   Told told = {.answer = SC_EIO};
   assert_int_equal(backward_told(y, &told), SC_EIO);
   assert_string_equal(sc_error(), "the listener fails");
   assert_int_equal(told.n, 1);
   assert_true(sc_is_recording());
   sc_tensor_release(y);
   sc_tensor_release(b);
   sc_tensor_release(a);
}

// A function from outside, in whose backward another backward adds to the gradient of a leaf.
typedef struct {
   ScFunction base;
   ScTensor *leaf;
} Outside;

static ScStatus outside_backward(ScFunction *base, ScCall *call) {
   ScTensor *leaf = ((Outside *)base)->leaf;
   bool before = sc_set_recording(true);
   ScTensor *y = binary("mul", leaf, leaf);
   sum_up(&y);
   sc_set_recording(before);
   ScStatus status = sc_backward(y, NULL, false);
   sc_tensor_release(y);
   if (status != SC_OK) return status;
   return sc_tensor_alias(&call->grad_in[0], call->grad_out[0], call->grad_out[0]->rank,
                          call->grad_out[0]->shape);
}

static void outside_release(ScFunction *base) {
   (void)base;
}

static void test_functions_may_do_anything(void **state) {
   (void)state;
   ScTensor *a = vector(2, 2, true), *b = vector(2, 3, true), *y = binary("mul", a, b), *same;
   Outside f = {{"outside", outside_backward, outside_release}, b};
   assert_ok(sc_tensor_alias(&same, y, y->rank, y->shape));
   assert_ok(sc_function_record(&f.base, 1, &y, 1, &same));
   sc_tensor_release(y);
   sum_up(&same);
   Told told = {0};
   assert_ok(backward_told(same, &told));
   assert_int_equal(told.n, 0);
   assert_true(at(b->grad, 0) == 2 * 3 + 2);
   sc_tensor_release(same);
   sc_tensor_release(b);
   sc_tensor_release(a);
}

// ---- sums ----

// A group of two, of which the other one always has what this one has.
struct ScPending {
   float *data;
   int64_t n;
};

static struct {
   int begun, finished, looks;
   int64_t counts[MOST];
   float first[MOST];
   bool fails;
} group;

static ScStatus begin(ScCommunicator *c, ScDtype dtype, int64_t n, void *data, ScPending **out) {
   (void)c;
   assert_int_equal(dtype, SC_F32);
   assert_true(group.begun < MOST);
   if (group.fails) return sc_fail(SC_EIO, "the wire is cut");
   group.counts[group.begun] = n;
   group.first[group.begun++] = *(float *)data;
   *out = malloc(sizeof **out);
   **out = (ScPending){data, n};
   return SC_OK;
}

static ScStatus progress(ScCommunicator *c) {
   (void)c;
   group.looks++;
   return SC_OK;
}

static ScStatus finish(ScCommunicator *c, ScPending *pending) {
   (void)c;
   for (int64_t i = 0; i < pending->n; i++) pending->data[i] *= 2;
   free(pending);
   group.finished++;
   return SC_OK;
}

static ScCommunicator two = {
    .transport = "played", .size = 2, .begin_all_reduce = begin, .progress = progress, .finish = finish};

static int set_up(void **state) {
   (void)state;
   memset(&group, 0, sizeof group);
   sc_device_cpu()->communicator = &two;
   return 0;
}

static int tear_down(void **state) {
   (void)state;
   sc_device_cpu()->communicator = NULL;
   return 0;
}

static void watched(ScReducer *r, ScTensor *y) {
   assert_ok(sc_reducer_watch(r));
   assert_ok(sc_backward(y, NULL, false));
   sc_reducer_unwatch(r);
   sc_tensor_release(y);
}

static void drop_gradients(int n, ScTensor **t) {
   for (int i = 0; i < n; i++) {
      sc_tensor_release(t[i]->grad);
      t[i]->grad = NULL;
   }
}

static void release(int n, ScTensor **t) {
   for (int i = 0; i < n; i++) sc_tensor_release(t[i]);
}

// Two vectors of 2 in a bucket of 16 bytes.
static void test_sums_begin_in_backward(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true), vector(2, 5, true), vector(2, 7, true)};
   ScReducer *r;
   assert_ok(sc_reducer_new(&r, 4, t, 16));
   assert_int_equal(sc_reducer_buckets(r), 2);
   for (int round = 0; round < 2; round++) {
      group.begun = group.finished = group.looks = 0;
      watched(r, chain(t[0], t[1], t[2], t[3]));
      assert_int_equal(sc_reducer_begun(r), 2);
      assert_int_equal(group.begun, 2); // the last parameters first
      assert_true(group.looks > 0);
      assert_int_equal(group.finished, 0);
      assert_true(group.first[0] == (float)at(t[3]->grad, 0) && group.first[1] == (float)at(t[1]->grad, 0));
      double whole = at(t[2]->grad, 0);
      assert_ok(sc_reducer_finish(r));
      assert_int_equal(group.begun, 2);
      assert_int_equal(group.finished, 2);
      assert_int_equal(sc_reducer_begun(r), 0);
      assert_true(at(t[2]->grad, 0) == 2 * whole);
      drop_gradients(4, t);
   }
   sc_reducer_free(r);
   release(4, t);
}

// The bucket of the last parameters is not whole, so that none begins before the end.
static void test_parameters_without_a_gradient(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true), vector(3, 5, true), vector(3, 7, true)};
   ScReducer *r;
   assert_ok(sc_reducer_new(&r, 4, t, 16));
   assert_int_equal(sc_reducer_buckets(r), 3);
   ScTensor *y = binary("mul", t[0], t[1]);
   sum_up(&y);
   watched(r, y);
   assert_int_equal(group.begun, 0);
   assert_ok(sc_reducer_finish(r));
   assert_int_equal(group.begun, 3);
   assert_true(group.counts[0] == 3 && group.counts[1] == 3 && group.counts[2] == 4);
   assert_true(group.first[0] == 0 && group.first[1] == 0);
   assert_null(t[2]->grad); // nobody has one
   assert_true(at(t[0]->grad, 1) == 2 * 4);
   sc_reducer_free(r);
   release(4, t);
}

// A second backward in a window finds sums that were begun too early: they are drained, and all is done again.
static void test_a_backward_that_is_done_again(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true), vector(2, 5, true), vector(2, 7, true)};
   ScReducer *r;
   assert_ok(sc_reducer_new(&r, 4, t, 8));
   assert_ok(sc_reducer_watch(r));
   ScTensor *y = binary("mul", t[2], t[3]);
   sum_up(&y);
   assert_ok(sc_backward(y, NULL, false)); // half of the network, say
   sc_tensor_release(y);
   sc_reducer_unwatch(r);
   assert_int_equal(sc_reducer_begun(r), 2);
   drop_gradients(4, t);
   watched(r, chain(t[0], t[1], t[2], t[3]));
   assert_int_equal(group.begun, 2);
   double whole = at(t[3]->grad, 0);
   assert_ok(sc_reducer_finish(r));
   assert_int_equal(group.begun, 8);
   assert_int_equal(group.finished, 8);
   assert_true(at(t[3]->grad, 0) == 2 * whole);
   drop_gradients(4, t);

   group.begun = 0;
   watched(r, chain(t[0], t[1], t[2], t[3])); // the next window is as ever
   assert_int_equal(group.begun, 4);
   assert_ok(sc_reducer_finish(r));
   assert_int_equal(group.begun, 4);
   sc_reducer_free(r);
   release(4, t);
}

// What is left begins before anybody is met, and is worthless: all is done again at the end.
static void test_a_backward_that_fails(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true), vector(2, 5, true), vector(2, 7, true)};
   ScReducer *r;
   assert_ok(sc_reducer_new(&r, 4, t, 8));
   assert_ok(sc_reducer_watch(r));
   ScTensor *y = binary("mul", t[2], t[3]);
   sum_up(&y);
   assert_ok(sc_backward(y, NULL, false));
   sc_tensor_release(y);
   assert_ok(sc_reducer_begin_rest(r, true));
   assert_int_equal(group.begun, 4);
   assert_ok(sc_reducer_begin_rest(r, true));
   assert_int_equal(group.begun, 4);
   drop_gradients(4, t);
   watched(r, chain(t[0], t[1], t[2], t[3]));
   double whole = at(t[0]->grad, 0);
   assert_ok(sc_reducer_begin_rest(r, false));
   assert_ok(sc_reducer_finish(r));
   assert_int_equal(group.begun, 8);
   assert_int_equal(group.finished, 8);
   assert_true(at(t[0]->grad, 0) == 2 * whole);
   drop_gradients(4, t);

   group.begun = 0; // gradients that are whole are sent once
   y = chain(t[0], t[1], t[2], t[3]);
   assert_ok(sc_backward(y, NULL, false));
   sc_tensor_release(y);
   assert_ok(sc_reducer_begin_rest(r, false));
   assert_int_equal(group.begun, 4);
   whole = at(t[3]->grad, 0);
   assert_ok(sc_reducer_finish(r));
   assert_int_equal(group.begun, 4);
   assert_true(at(t[3]->grad, 0) == 2 * whole);
   sc_reducer_free(r);
   release(4, t);
}

static void test_one_watches_at_a_time(void **state) {
   (void)state;
   ScTensor *t = vector(2, 2, true);
   ScReducer *one, *other;
   assert_ok(sc_reducer_new(&one, 1, &t, 8));
   assert_ok(sc_reducer_new(&other, 1, &t, 8));
   assert_ok(sc_reducer_watch(one));
   assert_ok(sc_reducer_watch(one));
   assert_fails(sc_reducer_watch(other), SC_EARG, "watch backward already");
   sc_reducer_free(one);
   sc_reducer_unwatch(other);
   ScTensor *y = binary("mul", t, t);
   sum_up(&y);
   watched(other, y); // one is not told any more
   assert_int_equal(group.begun, 1);
   assert_ok(sc_reducer_finish(other));
   sc_reducer_free(other);
   release(1, &t);
}

static void test_a_wire_that_is_cut(void **state) {
   (void)state;
   ScTensor *t[] = {vector(2, 2, true), vector(2, 3, true)};
   ScReducer *r;
   assert_ok(sc_reducer_new(&r, 2, t, 8));
   ScTensor *y = binary("mul", t[0], t[1]);
   sum_up(&y);
   group.fails = true;
   assert_ok(sc_reducer_watch(r));
   assert_fails(sc_backward(y, NULL, false), SC_EIO, "the wire is cut");
   sc_reducer_unwatch(r);
   assert_fails(sc_reducer_finish(r), SC_EIO, "the wire is cut");
   assert_fails(sc_reducer_finish(r), SC_EARG, "have failed before");
   sc_tensor_release(y);
   sc_reducer_free(r);
   release(2, t);
}

static void test_what_is_refused(void **state) {
   (void)state;
   ScTensor *half;
   ScReducer *r = NULL;
   assert_ok(sc_tensor_new(&half, sc_device_cpu(), SC_F16, 1, (int64_t[]){2}));
   assert_fails(sc_reducer_new(&r, 1, &half, SC_BUCKET), SC_EUNSUPPORTED, "f32 and f64, not f16 (2)");
   assert_null(r);
   sc_tensor_release(half);
   assert_ok(sc_reducer_new(&r, 0, NULL, SC_BUCKET)); // nothing trains
   assert_ok(sc_reducer_watch(r));
   assert_ok(sc_reducer_finish(r));
   sc_reducer_free(r);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_leaves_are_told_once),
       cmocka_unit_test(test_leaves_of_slices),
       cmocka_unit_test(test_a_listener_that_fails),
       cmocka_unit_test(test_functions_may_do_anything),
       cmocka_unit_test_setup_teardown(test_sums_begin_in_backward, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_parameters_without_a_gradient, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_a_backward_that_is_done_again, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_a_backward_that_fails, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_one_watches_at_a_time, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_a_wire_that_is_cut, set_up, tear_down),
       cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
