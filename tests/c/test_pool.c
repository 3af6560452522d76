// A pool of host memory: what it keeps of small blocks and of large ones.
#include <stdlib.h>
#include <sys/resource.h>

#include "host/core/device.h"
#include "host/core/pool.h"
#include "tests/c/check.h"

enum { KB = 1 << 10, MB = 1 << 20, MANY = 1300 };
static size_t taken_of_host;
static bool host_refuses;

static ScStatus take_of_host(ScDevice *device, size_t bytes, void **out) {
   (void)device;
   bool refused = host_refuses;
   host_refuses = false;
   if (refused) return sc_fail(SC_EMEM, "no more");
   taken_of_host += bytes;
   *out = malloc(bytes);
   return SC_OK;
}

static void give_to_host(ScDevice *device, void *data, size_t bytes) {
   (void)device;
   taken_of_host -= bytes;
   free(data);
}

static ScPool *pools[8]; // one for each test: they live as long as the process

static ScPool *host_pool(void) {
   static int n;
   ScPool *pool;
   taken_of_host = 0;
   assert_ok(
       sc_pool_new(&pool, (ScPoolSource){.name = "host", .allocate = take_of_host, .release = give_to_host}));
   return pools[n++] = pool;
}

static void *take_bytes(ScPool *pool, size_t bytes) {
   void *data;
   bytes = sc_pool_size(pool, bytes);
   assert_ok(sc_pool_take(pool, &bytes, &data));
   return data;
}

// A block goes to a request of about its size, so that a few bytes do not hold many.
static void small_requests_take_small_blocks(void **state) {
   (void)state;
   ScPool *pool = host_pool();
   sc_pool_give(pool, take_bytes(pool, 60 * KB), 60 * KB);
   void *small = take_bytes(pool, KB);
   assert_int_equal(sc_pool_memory(pool).cached, 60 * KB);
   sc_pool_give(pool, small, KB);
   sc_pool_flush(pool);
}

static void take_and_give_many(ScPool *pool, size_t bytes) {
   static void *data[MANY];
   for (int i = 0; i < MANY; i++) data[i] = take_bytes(pool, bytes);
   for (int i = 0; i < MANY; i++) sc_pool_give(pool, data[i], sc_pool_size(pool, bytes));
}

static void small_blocks_have_a_ceiling(void **state) {
   (void)state;
   ScPool *pool = host_pool();
   size_t most = MANY * 60 * (size_t)KB;
   take_and_give_many(pool, 60 * KB);
   assert_int_equal(taken_of_host, most);
   take_and_give_many(pool, 30 * KB); // which the larger ones do not serve
   assert_true(taken_of_host <= most + most / 4);
   sc_pool_flush(pool);
   assert_int_equal(taken_of_host, 0);
}

// What lies between large blocks, too small for the next one.
static void gaps_have_a_ceiling(void **state) {
   (void)state;
   ScPool *pool = host_pool();
   for (size_t n = 40; n <= 80; n += 8) {
      void *large = take_bytes(pool, n * MB);
      take_bytes(pool, 64 * KB); // stays
      sc_pool_give(pool, large, n * MB);
      ScMemory memory = sc_pool_memory(pool);
      assert_true(memory.live + memory.cached <= memory.peak + memory.peak / 4);
   }
   sc_pool_flush(pool);
   assert_int_equal(sc_pool_memory(pool).cached, 0);
   assert_int_equal(taken_of_host, 0);
}

// What the pool keeps of large blocks may be all that is in a small one's way.
static void large_blocks_make_room_for_small_ones(void **state) {
   (void)state;
   ScPool *pool = host_pool();
   sc_pool_give(pool, take_bytes(pool, 8 * MB), 8 * MB);
   assert_int_equal(sc_pool_memory(pool).cached, 8 * MB);
   host_refuses = true;
   void *small = take_bytes(pool, KB);
   assert_false(host_refuses);
   assert_int_equal(sc_pool_memory(pool).cached, 0);
   sc_pool_give(pool, small, KB);
   sc_pool_flush(pool);
}

// Where addresses are limited (ulimit -v), there is no heap: blocks are all like small ones.
static void large_blocks_without_a_heap(void **state) {
   (void)state;
   struct rlimit before, finite;
   ScPool *pool = host_pool();
   assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
   finite = (struct rlimit){(rlim_t)1 << 60, before.rlim_max};
   assert_int_equal(setrlimit(RLIMIT_AS, &finite), 0);
   void *data = take_bytes(pool, 8 * MB); // the first: before, there was no need of a heap
   assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
   assert_int_equal(taken_of_host, 8 * MB);
   sc_pool_give(pool, data, 8 * MB);
   assert_int_equal(sc_pool_memory(pool).live, 0);
   assert_ptr_equal(take_bytes(pool, 7 * MB), data);
   assert_int_equal(taken_of_host, 8 * MB);
   sc_pool_give(pool, data, 8 * MB);
   sc_pool_flush(pool);
   assert_int_equal(taken_of_host, 0);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(small_requests_take_small_blocks),
       cmocka_unit_test(small_blocks_have_a_ceiling),
       cmocka_unit_test(gaps_have_a_ceiling),
       cmocka_unit_test(large_blocks_make_room_for_small_ones),
       cmocka_unit_test(large_blocks_without_a_heap),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
