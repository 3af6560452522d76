// Large blocks: where they lie, what stays between them, and what the process has in memory for them.
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "host/core/heap.h"
#include "tests/c/check.h"

enum { KB = 1 << 10, MB = 1 << 20 };

static char *take(ScHeap *heap, size_t bytes) {
   char *data = sc_heap_take(heap, bytes);
   assert_non_null(data);
   memset(data, 1, bytes);
   return data;
}

static size_t resident(const char *data, size_t bytes) {
   unsigned char *pages = malloc(bytes / SC_HEAP_PAGE);
   size_t n = 0;
   assert_int_equal(mincore((void *)data, bytes, pages), 0);
   for (size_t i = 0; i < bytes / SC_HEAP_PAGE; i++) n += pages[i] & 1;
   free(pages);
   return n * SC_HEAP_PAGE;
}

static ScHeap *heaps[16], *heap; // one for each test: they live as long as the process

static int setup(void **state) {
   (void)state;
   static int n;
   heap = heaps[n++] = sc_heap_new();
   return heap ? 0 : -1;
}

static void a_gap_serves_smaller_blocks(void **state) {
   (void)state;
   char *a = take(heap, 4 * MB), *b = take(heap, MB);
   sc_heap_give(heap, a, 4 * MB);
   assert_int_equal(sc_heap_free_bytes(heap), 4 * MB);
   assert_int_equal(sc_heap_fresh(heap, 4 * MB), 0);
   char *c = take(heap, 3 * MB), *d = take(heap, MB);
   assert_ptr_equal(c, a);
   assert_ptr_equal(d, a + 3 * MB);
   assert_int_equal(sc_heap_free_bytes(heap), 0);
   assert_true(sc_heap_holds(heap, b) && !sc_heap_holds(heap, heap));
}

// In whatever order they come back.
static void neighbours_become_one_gap(void **state) {
   (void)state;
   static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
   for (int o = 0; o < 6; o++) {
      char *block[3], *end;
      for (int i = 0; i < 3; i++) block[i] = take(heap, MB);
      end = take(heap, MB);
      for (int i = 0; i < 3; i++) sc_heap_give(heap, block[orders[o][i]], MB);
      assert_int_equal(sc_heap_fresh(heap, 3 * MB), 0);
      char *all = take(heap, 3 * MB);
      assert_ptr_equal(all, block[0]);
      sc_heap_give(heap, all, 3 * MB);
      sc_heap_give(heap, end, MB);
   }
}

static void the_gap_that_fits_best_is_taken(void **state) {
   (void)state;
   char *large = take(heap, 8 * MB), *between = take(heap, MB), *small = take(heap, 2 * MB),
        *end = take(heap, MB);
   sc_heap_give(heap, large, 8 * MB);
   sc_heap_give(heap, small, 2 * MB);
   assert_ptr_equal(take(heap, MB + 4 * KB), small);
   assert_ptr_equal(take(heap, 3 * MB), large);
   assert_true(between < end);
}

static void the_last_gap_grows(void **state) {
   (void)state;
   char *a = take(heap, 2 * MB);
   sc_heap_give(heap, a, 2 * MB);
   assert_int_equal(sc_heap_fresh(heap, 5 * MB), 3 * MB);
   assert_ptr_equal(take(heap, 5 * MB), a);
   assert_int_equal(sc_heap_free_bytes(heap), 0);
}

static void what_is_flushed_is_out_of_memory(void **state) {
   (void)state;
   char *a = take(heap, 8 * MB), *b = take(heap, 2 * MB);
   sc_heap_give(heap, a, 8 * MB);
   assert_int_equal(resident(a, 8 * MB), 8 * MB);
   sc_heap_flush(heap);
   assert_int_equal(resident(a, 8 * MB), 0);
   assert_int_equal(sc_heap_free_bytes(heap), 0);
   assert_int_equal(sc_heap_fresh(heap, 4 * MB), 4 * MB);
   assert_true(b[0] == 1 && b[2 * MB - 1] == 1);
   assert_ptr_equal(take(heap, 8 * MB), a);
}

// Behind what was given back to the system, the heap keeps nothing: it knows of a gap only how much of its
// front the process has.
static void what_is_counted_is_in_memory(void **state) {
   (void)state;
   char *a = take(heap, 4 * MB), *b = take(heap, 2 * MB), *c = take(heap, 2 * MB), *end = take(heap, MB);
   sc_heap_give(heap, a, 4 * MB);
   sc_heap_flush(heap);
   sc_heap_give(heap, b, 2 * MB);
   assert_int_equal(sc_heap_fresh(heap, 4 * MB), 4 * MB);
   assert_int_equal(sc_heap_free_bytes(heap), 0);
   assert_int_equal(resident(a, 6 * MB), 0);
   sc_heap_give(heap, take(heap, 2 * MB), 2 * MB);
   sc_heap_give(heap, c, 2 * MB);
   assert_int_equal(sc_heap_free_bytes(heap), 2 * MB);
   assert_int_equal(sc_heap_fresh(heap, 8 * MB), 6 * MB);
   assert_int_equal(resident(a, 8 * MB), 2 * MB);
   sc_heap_flush(heap);
   assert_int_equal(resident(a, 8 * MB), 0);
   assert_int_equal(end[0], 1);
}

// A block that comes back is its gap's front.
static void a_gap_before_an_empty_one_counts(void **state) {
   (void)state;
   char *a = take(heap, 2 * MB), *b = take(heap, 2 * MB), *c = take(heap, 2 * MB), *end = take(heap, MB);
   sc_heap_give(heap, b, 2 * MB);
   sc_heap_flush(heap);
   sc_heap_give(heap, c, 2 * MB);
   sc_heap_give(heap, a, 2 * MB);
   assert_int_equal(sc_heap_free_bytes(heap), 2 * MB);
   assert_int_equal(sc_heap_fresh(heap, 6 * MB), 4 * MB);
   assert_int_equal(resident(a, 6 * MB), 2 * MB);
   assert_int_equal(end[0], 1);
}

// Where addresses are what is short, it takes none.
static void a_limit_of_addresses_leaves_none(void **state) {
   (void)state;
   struct rlimit before, finite;
   assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
   finite = (struct rlimit){(rlim_t)1 << 60, before.rlim_max};
   assert_int_equal(setrlimit(RLIMIT_AS, &finite), 0);
   ScHeap *none = sc_heap_new();
   assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
   assert_null(none);
}

// What cannot be had changes nothing.
static void there_is_an_end(void **state) {
   (void)state;
   assert_null(sc_heap_take(heap, (size_t)1 << 50));
   take(heap, MB);
   assert_null(sc_heap_take(heap, ((size_t)1 << 40) - MB));
   sc_heap_give(heap, take(heap, MB), MB);
   assert_int_equal(sc_heap_free_bytes(heap), MB);
}

// Against a plain count of what is in use, with a mark in each block.
static void blocks_never_meet(void **state) {
   (void)state;
   enum { MANY = 200 };
   static struct {
      unsigned char *data;
      size_t bytes;
   } blocks[MANY];
   unsigned random = 1;
   size_t used = 0;
   memset(blocks, 0, sizeof blocks);
   for (int step = 0; step < 20000; step++) {
      random = random * 1664525 + 1013904223;
      int i = (int)(random >> 8) % MANY;
      size_t bytes = blocks[i].bytes;
      if (blocks[i].data) {
         assert_true(blocks[i].data[0] == i && blocks[i].data[bytes - 1] == i);
         sc_heap_give(heap, blocks[i].data, bytes);
         blocks[i].data = NULL;
         used -= bytes;
      } else {
         blocks[i].bytes = bytes = (1 + (random >> 20) % 32) * SC_HEAP_PAGE;
         assert_non_null(blocks[i].data = sc_heap_take(heap, bytes));
         blocks[i].data[0] = blocks[i].data[bytes - 1] = (unsigned char)i;
         used += bytes;
      }
      if (step % 5000 == 0) sc_heap_flush(heap);
   }
   for (int i = 0; i < MANY; i++)
      if (blocks[i].data) sc_heap_give(heap, blocks[i].data, blocks[i].bytes), used -= blocks[i].bytes;
   assert_int_equal(used, 0);
   sc_heap_flush(heap);
   assert_int_equal(sc_heap_fresh(heap, MB), MB);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
   static const struct CMUnitTest tests[] = {
       TEST(a_gap_serves_smaller_blocks),
       TEST(neighbours_become_one_gap),
       TEST(the_gap_that_fits_best_is_taken),
       TEST(the_last_gap_grows),
       TEST(what_is_flushed_is_out_of_memory),
       TEST(what_is_counted_is_in_memory),
       TEST(a_gap_before_an_empty_one_counts),
       TEST(a_limit_of_addresses_leaves_none),
       TEST(there_is_an_end),
       TEST(blocks_never_meet),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
