// Random numbers: those of Random123, uniform and normal ones, permutations, streams.
#include "host/core/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/c/check.h"

// Known answers of Random123's kat_vectors for philox4x32, 10 rounds: counter (index, stream), key (seed).
static void test_philox(void **state) {
   (void)state;
   static const struct {
      uint64_t index, stream, seed;
      uint32_t out[4];
   } known[] = {
       {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
       {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
       {0x85a308d3243f6a88,
        0x0370734413198a2e,
        0x299f31d0a4093822,
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
   };
   for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
      uint32_t out[4];
      sc_philox(known[i].seed, known[i].stream, known[i].index, out);
      assert_memory_equal(out, known[i].out, sizeof out);
   }
}

// Bounds are five standard errors of 100,000 draws; the draws are the same every time.
static void test_distributions(void **state) {
   (void)state;
   enum { N = 100000 };
   double sum = 0, normal = 0, square = 0;
   double beside = 0, normal_beside = 0; // products of neighbours, which tell nothing of each other
   for (uint64_t i = 0; i < N; i++) {
      float u = sc_uniform(7, 3, i);
      double z = sc_normal(7, 4, i);
      assert_true(u >= 0 && u < 1 && fabs(z) < 7);
      sum += u, normal += z, square += z * z;
      beside += (u - 0.5) * (sc_uniform(7, 3, i + 1) - 0.5);
      normal_beside += z * sc_normal(7, 4, i + 1);
   }
   assert_true(fabs(sum / N - 0.5) < 5 * 0.2887 / sqrt(N));
   assert_true(fabs(normal / N) < 5 / sqrt(N));
   assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
   assert_true(fabs(beside / N) < 5 / (12 * sqrt(N)));
   assert_true(fabs(normal_beside / N) < 5 / sqrt(N));
}

// To the last bit, also where a block or a pair is not used up, and where threads share the work.
static void test_many_are_as_one_by_one(void **state) {
   (void)state;
   enum { MOST = 300001 };
   double *found = malloc(MOST * sizeof *found);
   assert_non_null(found);
   for (int64_t n = 1; n <= MOST; n = n < 9 ? n + 1 : n * 8 + 1) {
      sc_uniforms(7, 5, n, found);
      for (int64_t i = 0; i < n; i++) assert_true(found[i] == sc_uniform(7, 5, (uint64_t)i));
      for (uint64_t first = 3; first < 5; first++) {
         sc_uniform_doubles(7, 9, first, n, found);
         for (int64_t i = 0; i < n; i++) assert_true(found[i] == sc_uniform_double(7, 9, first + (uint64_t)i));
      }
      sc_normals(7, 6, n, found);
      for (int64_t i = 0; i < n; i++) assert_true(found[i] == sc_normal(7, 6, (uint64_t)i));
   }
   free(found);
}

static void test_permutation(void **state) {
   (void)state;
   enum { N = 1000 };
   int64_t order[N], again[N];
   bool seen[N] = {false};
   sc_permutation(1, 2, N, order);
   sc_permutation(1, 2, N, again);
   assert_memory_equal(order, again, sizeof order);
   int moved = 0;
   for (int i = 0; i < N; i++) {
      assert_true(order[i] >= 0 && order[i] < N && !seen[order[i]]);
      seen[order[i]] = true;
      moved += order[i] != i;
   }
   assert_true(moved > N / 2);
   sc_permutation(1, 3, N, again);
   assert_memory_not_equal(order, again, sizeof order);
}

// Each of the 24 orders of four comes as often as any other, those too in which something stays in its place.
// Bounds are five standard deviations of 200 among 4,800.
static void test_permutations_are_uniform(void **state) {
   (void)state;
   enum { N = 4, EACH = 200, ORDERS = 24 };
   int seen[N * N * N * N] = {0}, orders = 0;
   for (uint64_t stream = 0; stream < ORDERS * EACH; stream++) {
      int64_t order[N], code = 0;
      sc_permutation(9, stream, N, order);
      for (int i = 0; i < N; i++) code = code * N + order[i];
      seen[code]++;
   }
   for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
      if (!seen[i]) continue;
      assert_true(abs(seen[i] - EACH) < 5 * sqrt(EACH));
      orders++;
   }
   assert_int_equal(orders, ORDERS);
}

// Each of seven comes as often as any other; bounds are five standard deviations of 1,000 among 7,000. All that
// there are is a range, too, and so is one.
static void test_whole_numbers(void **state) {
   (void)state;
   enum { N = 7000 };
   int64_t found[N], fewer[N - 1];
   int seen[7] = {0}, below = 0;
   sc_integers(3, 1, -2, 4, N, found);
   for (int i = 0; i < N; i++) {
      assert_true(found[i] >= -2 && found[i] <= 4);
      seen[found[i] + 2]++;
   }
   for (int k = 0; k < 7; k++) assert_true(abs(seen[k] - N / 7) < 5 * sqrt(N / 7));
   sc_integers(3, 1, -2, 4, N - 1, fewer);
   assert_memory_equal(found, fewer, sizeof fewer);
   sc_integers(3, 1, INT64_MIN, INT64_MAX, N, found);
   for (int i = 0; i < N; i++) below += found[i] < 0;
   assert_true(abs(below - N / 2) < 5 * sqrt(N / 4));
   sc_integers(3, 1, INT64_MAX, INT64_MAX, N, found);
   for (int i = 0; i < N; i++) assert_true(found[i] == INT64_MAX);
}

// Five standard errors of 100,000 draws; neighbours tell nothing of each other, and no bit stays 0.
static void test_doubles(void **state) {
   (void)state;
   enum { N = 100000 };
   double sum = 0, beside = 0;
   uint64_t bits = 0;
   for (uint64_t i = 0; i < N; i++) {
      double u = sc_uniform_double(7, 3, i);
      assert_true(u >= 0 && u < 1);
      sum += u;
      beside += (u - 0.5) * (sc_uniform_double(7, 3, i + 1) - 0.5);
      bits |= (uint64_t)(u * 0x1p53);
   }
   assert_true(fabs(sum / N - 0.5) < 5 * 0.2887 / sqrt(N));
   assert_true(fabs(beside / N) < 5 / (12 * sqrt(N)));
   assert_true(bits == ((uint64_t)1 << 53) - 1);
}

static void test_streams_are_fresh(void **state) {
   (void)state;
   uint64_t first = sc_rng_stream();
   assert_true(sc_rng_stream() == first + 1 && sc_rng()->next_stream == first + 2);
}

int main(void) {
   static const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_philox),
       cmocka_unit_test(test_distributions),
       cmocka_unit_test(test_many_are_as_one_by_one),
       cmocka_unit_test(test_permutation),
       cmocka_unit_test(test_permutations_are_uniform),
       cmocka_unit_test(test_whole_numbers),
       cmocka_unit_test(test_doubles),
       cmocka_unit_test(test_streams_are_fresh),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
