// Tensors, their memory, their numbers: pool, sharing and copying, shapes, orders, conversions, statuses.
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "host/core/communicator.h"
#include "host/core/copy.h"
#include "host/core/device.h"
#include "host/core/transfer.h"
#include "tests/c/check.h"

static ScTensor *make(ScDtype dtype, int rank, const int64_t *shape) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, sc_device_cpu(), dtype, rank, shape));
   return t;
}

static ScTensor *vector(int64_t n, double first) {
   ScTensor *t = make(SC_F32, 1, &n);
   for (int64_t i = 0; i < n; i++) sc_store(SC_F32, t->buffer->data, i, first + (double)i);
   return t;
}

static double at(const ScTensor *t, int64_t index) {
   double element; // room for any dtype
   assert_ok(sc_tensor_item(t, index, &element));
   return sc_load(t->dtype, &element, 0);
}

// ---- statuses ----

static ScStatus fails(void) {
   return sc_fail(SC_EARG, "op: expected %d, found %d", 3, 4);
}

static ScStatus passes_on(void) {
   SC_TRY(fails());
   return SC_OK;
}

static void *fail_elsewhere(void *unused) {
   sc_keep_message("in another thread");
   return unused;
}

static void test_status(void **state) {
   (void)state;
   assert_int_equal(passes_on(), SC_EARG);
   assert_string_equal(sc_error(), "op: expected 3, found 4");
   assert_int_equal(sc_wrap(SC_EARG, "in layer %d: ", 2), SC_EARG);
   assert_string_equal(sc_error(), "in layer 2: op: expected 3, found 4");
   pthread_t thread;
   assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
   pthread_join(thread, NULL);
   assert_string_equal(sc_error(), "in layer 2: op: expected 3, found 4");
}

// ---- pool ----

static void test_pool_accounts(void **state) {
   (void)state;
   ScDevice *cpu = sc_device_cpu();
   sc_device_flush(cpu);
   ScMemory before = sc_device_memory(cpu);
   assert_int_equal(before.cached, 0);
   ScTensor *t = vector(1000, 0);
   ScMemory with = sc_device_memory(cpu);
   assert_in_range(with.live - before.live, 4000, 4500);
   assert_int_equal((uintptr_t)t->buffer->data % 64, 0);
   void *block = t->buffer->data;
   sc_tensor_release(t);
   ScMemory after = sc_device_memory(cpu);
   assert_int_equal(after.live, before.live);
   assert_int_equal(after.cached, with.live - before.live);
   t = vector(990, 0);
   assert_ptr_equal(t->buffer->data, block); // about the same size: the block is used again
   sc_tensor_release(t);
   assert_true(sc_device_memory(cpu).peak >= with.live);
   sc_device_flush(cpu);
   assert_int_equal(sc_device_memory(cpu).cached, 0);
}

// A block goes to a request of about its size, so that a few bytes do not hold a gigabyte.
static void test_small_requests_take_small_blocks(void **state) {
   (void)state;
   sc_device_flush(sc_device_cpu());
   sc_tensor_release(vector(100000, 0));
   size_t cached = sc_device_memory(sc_device_cpu()).cached;
   assert_true(cached >= 400000);
   ScTensor *small = vector(100, 0);
   assert_int_equal(sc_device_memory(sc_device_cpu()).cached, cached);
   sc_tensor_release(small);
   sc_device_flush(sc_device_cpu());
}

// What is kept for later and what is used are together at most a quarter more than was ever used at once.
static void test_the_pool_has_a_ceiling(void **state) {
   (void)state;
   enum { MB = 1 << 20 };
   sc_device_flush(sc_device_cpu());
   size_t most = sc_device_memory(sc_device_cpu()).peak;
   for (int64_t n = 16; n <= 128; n *= 2) { // too different for a block to serve twice
      int64_t bytes = n * MB;
      sc_tensor_release(make(SC_U8, 1, &bytes));
      if ((size_t)bytes > most) most = (size_t)bytes;
      ScMemory memory = sc_device_memory(sc_device_cpu());
      assert_true(memory.live + memory.cached <= (most + most / 4 > 64 * MB ? most + most / 4 : 64 * MB));
   }
   sc_device_flush(sc_device_cpu());
}

enum { DEVICE_BYTES = 1000 << 10 };
static size_t taken_of_device;
static int given_back;

static ScStatus take_of_device(ScDevice *device, size_t bytes, void **out) {
   (void)device;
   if (taken_of_device + bytes > DEVICE_BYTES) return sc_fail(SC_EMEM, "no more");
   taken_of_device += bytes;
   *out = malloc(bytes);
   return SC_OK;
}

static void give_to_device(ScDevice *device, void *data, size_t bytes) {
   (void)device;
   taken_of_device -= bytes;
   given_back++;
   free(data);
}

static size_t take_and_give(ScPool *pool, size_t kilobytes) {
   size_t bytes = kilobytes << 10;
   void *data;
   assert_ok(sc_pool_take(pool, &bytes, &data));
   sc_pool_give(pool, data, bytes);
   return bytes >> 10;
}

// A device's memory is kept, each block for its own size, until there is no more.
static void test_a_pool_that_keeps(void **state) {
   (void)state;
   ScPool *pool;
   assert_ok(sc_pool_new(
       &pool,
       (ScPoolSource){.name = "device", .keeps = true, .allocate = take_of_device, .release = give_to_device}));
   for (size_t k = 100; k <= 400; k += 100) assert_int_equal(take_and_give(pool, k), k);
   assert_int_equal(taken_of_device, DEVICE_BYTES);
   for (size_t k = 100; k <= 400; k += 100) assert_int_equal(take_and_give(pool, k), k);
   assert_int_equal(given_back, 0);
   assert_int_equal(take_and_give(pool, 250), 300); // there is no more, but what serves
   assert_int_equal(given_back, 0);
   assert_int_equal(take_and_give(pool, 900), 900); // and here nothing does
   assert_int_equal(given_back, 4);
   sc_pool_flush(pool);
   assert_int_equal(taken_of_device, 0);
}

static void test_memory_limit(void **state) {
   (void)state;
   ScDevice *cpu = sc_device_cpu();
   size_t live = sc_device_memory(cpu).live;
   ScTensor *t = NULL;
   int64_t n = 1 << 20;
   sc_memory_limit(live + 1000);
   assert_int_equal(sc_tensor_new(&t, cpu, SC_F32, 1, &n), SC_EMEM);
   assert_non_null(strstr(sc_error(), "out of memory on cpu"));
   assert_int_equal(sc_device_memory(cpu).live, live);
   sc_memory_limit(0);
   assert_ok(sc_tensor_new(&t, cpu, SC_F32, 1, &n));
   sc_tensor_release(t);
}

static void *churn(void *seed) {
   for (int i = 0; i < 500; i++) {
      ScTensor *t = vector(64 + (i * 37 + (int)(intptr_t)seed) % 500, 0);
      sc_tensor_release(t);
   }
   return NULL;
}

static void test_pool_in_threads(void **state) {
   (void)state;
   size_t live = sc_device_memory(sc_device_cpu()).live;
   pthread_t threads[4];
   for (intptr_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)i), 0);
   for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
   assert_int_equal(sc_device_memory(sc_device_cpu()).live, live);
}

// ---- sharing ----

static void test_writing_parts_aliases(void **state) {
   (void)state;
   ScTensor *a = vector(6, 1), *b;
   int64_t shape[] = {2, 3};
   assert_ok(sc_tensor_alias(&b, a, 2, shape));
   assert_ptr_equal(a->buffer, b->buffer);
   assert_ok(sc_tensor_fill(b, 9));
   assert_ptr_not_equal(a->buffer, b->buffer);
   assert_true(at(a, 5) == 6 && at(b, 5) == 9);
   sc_tensor_release(b);

   assert_ok(sc_tensor_alias(&b, a, 1, a->shape));
   assert_ok(sc_tensor_copy(b, a)); // they are equal already
   assert_ptr_equal(a->buffer, b->buffer);
   assert_ok(sc_tensor_copy(b, b));
   assert_true(at(b, 2) == 3);
   assert_ok(sc_tensor_own(b, true));
   assert_true(at(b, 0) == 1 && at(b, 5) == 6);
   void *own = b->buffer->data;
   assert_ok(sc_tensor_own(b, true)); // already its own: nothing moves
   assert_ptr_equal(b->buffer->data, own);
   sc_tensor_release(a);
   assert_true(at(b, 3) == 4);
   sc_tensor_release(b);
}

static void test_writing_changes_the_stamp(void **state) {
   (void)state;
   ScTensor *a = vector(4, 0), *b = vector(4, 5);
   uint64_t stamp = a->buffer->stamp;
   assert_int_not_equal(stamp, b->buffer->stamp);
   assert_ok(sc_tensor_fill(a, 1));
   assert_int_not_equal(a->buffer->stamp, stamp);
   stamp = a->buffer->stamp;
   assert_ok(sc_tensor_copy(a, b));
   assert_int_not_equal(a->buffer->stamp, stamp);
   assert_true(at(a, 3) == 8);
   stamp = a->buffer->stamp;
   float values[4] = {4, 3, 2, 1};
   assert_ok(sc_tensor_write(a, values));
   assert_int_not_equal(a->buffer->stamp, stamp);
   sc_tensor_release(a);
   sc_tensor_release(b);
}

// ---- the group that a device may be in ----

static int left;

static void leave(ScCommunicator *communicator) {
   left++;
   communicator->size = 0;
}

static void test_devices_leave_their_group(void **state) {
   (void)state;
   ScCommunicator group = {.rank = 1, .size = 2, .close = leave};
   assert_null(sc_device_cpu()->communicator);
   sc_device_cpu()->communicator = &group;
   sc_close_devices();
   sc_close_devices(); // once is enough
   assert_int_equal(left, 1);
   assert_int_equal(group.size, 0);
   assert_null(sc_device_cpu()->communicator);
}

// ---- shapes and orders ----

static void test_shapes(void **state) {
   (void)state;
   ScTensor *t = NULL;
   ScDevice *cpu = sc_device_cpu();
   int64_t zero[] = {2, 0}, negative[] = {-1}, huge[] = {1 << 30, 1 << 30, 1 << 30},
           nine[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
   assert_int_equal(sc_tensor_new(&t, cpu, SC_F32, 2, zero), SC_EARG);
   assert_string_equal(sc_error(), "shape (2, 0): every dimension must be at least 1");
   assert_int_equal(sc_tensor_new(&t, cpu, SC_F32, 1, negative), SC_EARG);
   assert_int_equal(sc_tensor_new(&t, cpu, SC_F32, 3, huge), SC_EARG);
   assert_int_equal(sc_tensor_new(&t, cpu, SC_F32, 9, nine), SC_EARG);
   assert_null(t);
   int64_t picture[] = {2, 3, 4, 5}, strides[SC_MAXRANK];
   t = make(SC_F16, 4, picture);
   assert_int_equal(sc_numel(t), 120);
   assert_int_equal(sc_nbytes(t), 240);
   assert_string_equal(sc_shape_text(t), "(2, 3, 4, 5)");
   sc_strides(t, strides);
   assert_true(strides[0] == 60 && strides[1] == 1 && strides[2] == 15 && strides[3] == 3);
   sc_tensor_release(t);
   t = make(SC_U8, 3, picture);
   sc_strides(t, strides);
   assert_true(strides[0] == 12 && strides[1] == 4 && strides[2] == 1);
   sc_tensor_release(t);
}

static void test_logical_order(void **state) {
   (void)state;
   int64_t shape[] = {2, 3, 4, 5}, strides[SC_MAXRANK];
   ScTensor *t = make(SC_F32, 4, shape);
   float logical[120], back[120];
   for (int i = 0; i < 120; i++) logical[i] = (float)i;
   assert_ok(sc_tensor_write(t, logical));
   sc_strides(t, strides);
   const float *memory = t->buffer->data;
   for (int n = 0, i = 0; n < 2; n++)
      for (int c = 0; c < 3; c++)
         for (int h = 0; h < 4; h++)
            for (int w = 0; w < 5; w++, i++)
               assert_true(memory[((n * 4 + h) * 5 + w) * 3 + c] == (float)i && at(t, i) == i);
   assert_ok(sc_tensor_read(t, back));
   assert_memory_equal(logical, back, sizeof back);
   double wide[120], widened[120];
   for (int i = 0; i < 120; i++) wide[i] = 2 * logical[i];
   assert_ok(sc_tensor_write_f64(t, wide));
   assert_true(at(t, 119) == 238 && at(t, 1) == 2);
   sc_tensor_release(t);
   for (int dtype = 0; dtype < SC_NDTYPE; dtype++) { // elements of 1, 2 and 8 bytes
      char written[120 * 8], again[120 * 8];
      t = make((ScDtype)dtype, 4, shape);
      assert_ok(sc_tensor_write_f64(t, wide));
      assert_true(at(t, 119) == 238 && at(t, 1) == 2 && at(t, 20) == 40);
      assert_ok(sc_tensor_read(t, again));
      sc_convert((ScDtype)dtype, written, SC_F64, wide, 120);
      assert_memory_equal(written, again, sc_nbytes(t));
      sc_convert(SC_F64, widened, (ScDtype)dtype, again, 120);
      assert_memory_equal(wide, widened, sizeof wide);
      sc_tensor_release(t);
   }
}

static void test_copy_converts(void **state) {
   (void)state;
   int64_t shape[] = {2, 2, 1, 2}, other[] = {2, 2, 2, 1};
   ScTensor *from = make(SC_F64, 4, shape), *to = make(SC_U8, 4, shape), *odd = make(SC_U8, 4, other);
   double values[] = {0, 1.9, -3, 300, NAN, 254.5, INFINITY, 7}, expected[] = {0, 1, 0, 255, 0, 254, 255, 7};
   assert_ok(sc_tensor_write_f64(from, values));
   assert_ok(sc_tensor_copy(to, from));
   for (int i = 0; i < 8; i++) assert_true(at(to, i) == expected[i]);
   assert_int_equal(sc_tensor_copy(odd, from), SC_EARG);
   assert_string_equal(sc_error(), "copy_: expected shape (2, 2, 2, 1), found (2, 2, 1, 2)");
   sc_tensor_release(from);
   sc_tensor_release(to);
   sc_tensor_release(odd);
}

// ---- dtypes ----

static void test_dtype_names(void **state) {
   (void)state;
   ScDtype dtype;
   for (int i = 0; i < SC_NDTYPE; i++) {
      assert_true(sc_dtype_parse(sc_dtype_name((ScDtype)i), &dtype));
      assert_int_equal(dtype, i);
   }
   assert_true(sc_dtype_parse("float32", &dtype) && dtype == SC_F32);
   assert_true(sc_dtype_parse("bfloat16", &dtype) && dtype == SC_BF16);
   assert_true(sc_dtype_parse("int64", &dtype) && dtype == SC_I64);
   static const char *unknown[] = {"", " ", "f", "float3", "loat32", "float32 float", "int32"};
   for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
      assert_false(sc_dtype_parse(unknown[i], &dtype));
}

static void test_integers_saturate(void **state) {
   (void)state;
   int64_t wide[1];
   sc_store(SC_I64, wide, 0, 1e30);
   assert_true(wide[0] == INT64_MAX);
   sc_store(SC_I64, wide, 0, -1e30);
   assert_true(wide[0] == INT64_MIN);
   sc_store(SC_I64, wide, 0, -2.9);
   assert_true(wide[0] == -2);
   int64_t exact = (1LL << 53) + 1, copied;
   sc_convert(SC_I64, &copied, SC_I64, &exact, 1);
   assert_true(copied == exact);
}

// What the 16 bits mean, by the definition of the format.
static double meaning(uint16_t half, int exponent_bits) {
   int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
   int exponent = (half & 0x7fff) >> fraction_bits, fraction = half & ((1 << fraction_bits) - 1);
   double sign = half & 0x8000 ? -1 : 1;
   if (exponent == 2 * bias + 1) return fraction ? NAN : sign * INFINITY;
   if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fraction_bits);
   return sign * ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

typedef struct {
   int exponent_bits;
   float (*widen)(uint16_t);
   uint16_t (*narrow)(float);
} Half;

static void check_value(const Half *h, uint16_t bits) {
   double expected = meaning(bits, h->exponent_bits);
   float wide = h->widen(bits);
   if (expected != expected) {
      assert_true(wide != wide);
      assert_true(h->widen(h->narrow(wide)) != h->widen(h->narrow(wide)));
      return;
   }
   assert_true((double)wide == expected);
   assert_int_equal(h->narrow(wide), bits);
}

// Halfway between two neighbours goes to the even one, anything else to the nearer one.
static void check_rounding(const Half *h, uint16_t bits) {
   double low = meaning(bits, h->exponent_bits), high = meaning((uint16_t)(bits + 1), h->exponent_bits);
   if (!(fabs(low) < INFINITY) || high != high) return;
   if (!(fabs(high) < INFINITY)) high = 2 * low - meaning((uint16_t)(bits - 1), h->exponent_bits);
   float middle = (float)((low + high) / 2); // exact: one bit more than the halves have
   uint16_t even = bits & 1 ? (uint16_t)(bits + 1) : bits;
   assert_int_equal(h->narrow(middle), even);
   assert_int_equal(h->narrow(nextafterf(middle, 0)), bits);
   assert_int_equal(h->narrow(nextafterf(middle, copysignf(INFINITY, middle))), (uint16_t)(bits + 1));
}

static void check_half(Half h) {
   for (uint32_t bits = 0; bits < 0x10000; bits++) {
      check_value(&h, (uint16_t)bits);
      check_rounding(&h, (uint16_t)bits);
   }
}

static void test_f16(void **state) {
   (void)state;
   check_half((Half){5, sc_f16_to_f32, sc_f32_to_f16});
   assert_int_equal(sc_f32_to_f16(1e30f), 0x7c00);
   assert_int_equal(sc_f32_to_f16(-1e-30f), 0x8000);
}

static void test_bf16(void **state) {
   (void)state;
   check_half((Half){8, sc_bf16_to_f32, sc_f32_to_bf16});
}

static void test_blocks_convert_like_elements(void **state) {
   (void)state;
   float values[] = {0, -1.5f, 3.14159f, 65519, 65520, -1e-8f, 255.7f, 1e20f};
   enum { N = sizeof values / sizeof *values };
   for (int to = 0; to < SC_NDTYPE; to++) {
      char block[N * 8], single[N * 8];
      sc_convert((ScDtype)to, block, SC_F32, values, N);
      for (int i = 0; i < N; i++) sc_store((ScDtype)to, single, i, values[i]);
      assert_memory_equal(block, single, N * sc_dtype_size((ScDtype)to));
   }
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_status),
       cmocka_unit_test(test_pool_accounts),
       cmocka_unit_test(test_small_requests_take_small_blocks),
       cmocka_unit_test(test_the_pool_has_a_ceiling),
       cmocka_unit_test(test_a_pool_that_keeps),
       cmocka_unit_test(test_memory_limit),
       cmocka_unit_test(test_pool_in_threads),
       cmocka_unit_test(test_writing_parts_aliases),
       cmocka_unit_test(test_writing_changes_the_stamp),
       cmocka_unit_test(test_devices_leave_their_group),
       cmocka_unit_test(test_shapes),
       cmocka_unit_test(test_logical_order),
       cmocka_unit_test(test_copy_converts),
       cmocka_unit_test(test_dtype_names),
       cmocka_unit_test(test_integers_saturate),
       cmocka_unit_test(test_f16),
       cmocka_unit_test(test_bf16),
       cmocka_unit_test(test_blocks_convert_like_elements),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
