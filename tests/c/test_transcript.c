// Transcripts (host/core/transcript.h): which calls are written down, and what is told of values; memory that
// runs out in between.
#include "host/core/call.h"
#include "host/core/layer.h"
#include "host/core/transcript.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"
#include "tests/c/heap.h"

static ScTensor *vector(int64_t n) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, sc_device_cpu(), SC_F32, 1, &n));
   assert_ok(sc_tensor_fill(t, 1));
   return t;
}

static ScTensor *unary(const char *op, ScTensor *x) {
   ScTensor *y;
   assert_ok(sc_apply(&y, op, 1, &x, NULL, 0));
   return y;
}

static ScTensor *binary(const char *op, ScTensor *a, ScTensor *b) {
   ScTensor *y, *in[] = {a, b};
   assert_ok(sc_apply(&y, op, 2, in, NULL, 0));
   return y;
}

static void release(int n, ScTensor **tensors) {
   for (int i = 0; i < n; i++) sc_tensor_release(tensors[i]);
}

static void test_calls_and_values(void **state) {
   (void)state;
   const ScWrittenCall *calls;
   const ScValue *values;
   ScTensor *x = vector(4), *w = vector(1);
   assert_ok(sc_transcript_begin(1, &x));
   assert_fails(sc_transcript_begin(1, &x), SC_EARG, "already");
   int before = sc_layer_set(sc_layer_number("a.layer"));
   ScTensor *twice = binary("add", w, w), *y = binary("mul", x, twice), *z = unary("flatten", y);
   sc_layer_set(before);
   assert_int_equal(sc_transcript_calls(&calls), 1); // the first has constants alone; flatten changes nothing
   assert_string_equal(calls[0].op->name, "mul");
   assert_string_equal(sc_layer_path(calls[0].layer), "a.layer");
   assert_int_equal(calls[0].in[0], 1);
   assert_int_equal(calls[0].in[1], sc_transcript_find(twice));
   assert_int_equal(calls[0].out[0], sc_transcript_find(y));
   assert_int_equal(sc_transcript_find(z), sc_transcript_find(y));
   assert_int_equal(sc_transcript_find(w), 0);
   assert_int_equal(sc_transcript_values(&values), 3);
   assert_null(values[0].constant);
   assert_non_null(values[calls[0].in[1] - 1].constant);
   sc_transcript_end();
   assert_int_equal(sc_transcript_calls(&calls), 0);
   release(5, (ScTensor *[]){x, w, twice, y, z});
}

// An op that is made of others is one call, with its arguments as they were given.
static void test_composites(void **state) {
   (void)state;
   const ScWrittenCall *calls;
   ScTensor *x, *y;
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_F32, 2, (int64_t[]){2, 3}));
   assert_ok(sc_tensor_fill(x, 1));
   assert_ok(sc_transcript_begin(1, &x));
   assert_ok(sc_apply(&y, "transpose", 1, &x, (ScAttr[]){{.i = 0}, {.i = 1}}, 2));
   assert_int_equal(sc_transcript_calls(&calls), 1);
   assert_string_equal(calls[0].op->name, "transpose");
   assert_int_equal(calls[0].attr[1].i, 1);
   sc_transcript_end();
   release(2, (ScTensor *[]){x, y});
}

static void test_reading(void **state) {
   (void)state;
   float number;
   ScTensor *x = vector(1), *w = vector(1);
   assert_ok(sc_transcript_begin(1, &x));
   ScTensor *y = unary("neg", x), *v = unary("neg", w);
   assert_fails(sc_tensor_item(x, 0, &number), SC_EARG, "read in Lua");
   assert_fails(sc_tensor_read(y, &number), SC_EARG, "f32 (1), computed from the model's input");
   assert_ok(sc_tensor_item(v, 0, &number));
   sc_transcript_end();
   assert_ok(sc_tensor_item(y, 0, &number));
   release(4, (ScTensor *[]){x, w, y, v});
}

// A constant is what it was when it was used.
static void test_written_constants(void **state) {
   (void)state;
   const ScWrittenCall *calls;
   const ScValue *values;
   float number;
   ScTensor *x = vector(1), *w = vector(1);
   assert_ok(sc_transcript_begin(1, &x));
   ScTensor *y = binary("add", x, w);
   assert_ok(sc_tensor_fill(w, 5));
   ScTensor *z = binary("add", y, w);
   assert_int_equal(sc_transcript_calls(&calls), 2);
   sc_transcript_values(&values);
   assert_int_not_equal(calls[0].in[1], calls[1].in[1]);
   assert_ok(sc_tensor_item(values[calls[0].in[1] - 1].constant, 0, &number));
   assert_true(number == 1);
   sc_transcript_end();
   release(4, (ScTensor *[]){x, w, y, z});
}

static void test_a_call_that_fails(void **state) {
   (void)state;
   const ScWrittenCall *calls;
   ScTensor *x = vector(3), *w = vector(2), *y;
   assert_ok(sc_transcript_begin(1, &x));
   assert_fails(sc_apply(&y, "add", 2, (ScTensor *[]){x, w}, NULL, 0), SC_EARG, "add");
   assert_int_equal(sc_transcript_calls(&calls), 0);
   y = unary("neg", x);
   assert_int_equal(sc_transcript_calls(&calls), 1);
   sc_transcript_end();
   release(3, (ScTensor *[]){x, w, y});
}

static ScStatus both(ScTensor *x, ScTensor *w) {
   ScTensor *y, *z;
   SC_TRY(sc_apply(&y, "add", 2, (ScTensor *[]){x, w}, NULL, 0));
   ScStatus status = sc_apply(&z, "neg", 1, &y, NULL, 0);
   sc_tensor_release(y);
   if (status == SC_OK) sc_tensor_release(z);
   return status;
}

static void test_memory_runs_out_anywhere(void **state) {
   (void)state;
   const ScWrittenCall *calls;
   ScTensor *x = vector(3), *w = vector(3);
   assert_ok(both(x, w)); // what is made once for all
   size_t before = live;
   ScStatus status = SC_EMEM;
   for (int n = 1; status != SC_OK && n < 100; n++) {
      failed = false, seen = 0, fails_at = n;
      status = sc_transcript_begin(1, &x);
      if (status == SC_OK) status = both(x, w);
      fails_at = 0;
      if (status == SC_OK)
         assert_int_equal(sc_transcript_calls(&calls), 2);
      else
         assert_int_equal(status, SC_EMEM);
      sc_transcript_end();
      assert_int_equal(live, before);
   }
   assert_int_equal(status, SC_OK);
   release(2, (ScTensor *[]){x, w});
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_calls_and_values),  cmocka_unit_test(test_composites),
       cmocka_unit_test(test_reading),           cmocka_unit_test(test_written_constants),
       cmocka_unit_test(test_a_call_that_fails), cmocka_unit_test(test_memory_runs_out_anywhere),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
