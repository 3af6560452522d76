// Golden pixels: a folder with cases.txt, a case a line, and expected.bin, what another program makes of each,
// one behind the other. For tests only.
#ifndef SCUTE_TESTS_GOLDEN_H
#define SCUTE_TESTS_GOLDEN_H

#include "host/photo/image_decode.h"
#include "tests/c/scratch.h"

static inline ScImage load_photo(const char *path) {
   ScImage image;
   if (sc_image_decode(path, NULL, &image)) fail_msg("%s", sc_error());
   return image;
}

static inline int worst_difference(const unsigned char *a, const unsigned char *b, size_t n) {
   int worst = 0;
   for (size_t i = 0; i < n; i++)
      if (abs(a[i] - b[i]) > worst) worst = abs(a[i] - b[i]);
   return worst;
}

// A file of golden cases: reads the next case from `list`, checks it against what is expected and returns how
// many bytes that are; 0 where there is no other case.
typedef size_t (*GoldenCase)(FILE *list, const unsigned char *expected);

// Checks all of them, `least` or more.
static inline void each_golden_case(const char *folder, int least, GoldenCase next) {
   char path[256];
   size_t size, at = 0;
   int count = 0;
   snprintf(path, sizeof path, "%sexpected.bin", folder);
   unsigned char *expected = slurp(path, &size);
   snprintf(path, sizeof path, "%scases.txt", folder);
   FILE *list = fopen(path, "r");
   assert_non_null(list);
   for (size_t bytes; (bytes = next(list, expected + at)); count++) {
      at += bytes;
      assert_true(at <= size);
   }
   assert_true(count >= least);
   assert_int_equal(at, size);
   fclose(list);
   free(expected);
}

#endif
