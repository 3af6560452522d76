// Memory that runs out while a file is read is told as that, wherever it happens, and never as a fault of the
// file: each allocation that reading makes fails once. What can do without gives the same as ever.
#include "host/core/device.h"
#include "host/files/weights.h"
#include "host/photo/image_decode.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/c/check.h"
#include "tests/c/heap.h"

// Reads with the n-th allocation failing. False where it makes fewer than n.
static bool starve(int n, ScStatus (*read)(const char *path), const char *path, ScStatus *status) {
   seen = 0, failed = false, fails_at = n;
   *status = read(path);
   fails_at = 0;
   return failed;
}

static void starve_each(ScStatus (*read)(const char *path), const char *path) {
   assert_ok(read(path)); // whatever is made once is made now
   ScStatus status;
   for (int n = 1; starve(n, read, path, &status); n++)
      if (status != SC_EMEM && status != SC_OK)
         fail_msg("%s: allocation %d: status %d, %s", path, n, status, sc_error());
   assert_int_equal(status, SC_OK);
}

// ---- what is read ----

static ScImage expected;

static ScStatus read_photo(const char *path) {
   ScImage image;
   ScStatus status = sc_image_decode(path, NULL, &image);
   if (status) return status;
   size_t bytes = (size_t)image.width * (size_t)image.height * 3;
   if (image.width != expected.width || image.height != expected.height ||
       memcmp(image.rgb, expected.rgb, bytes) != 0)
      status = sc_fail(SC_EFORMAT, "another picture");
   sc_image_free(&image);
   return status;
}

static ScStatus read_weights(const char *path) {
   ScState state = {0};
   ScFormat format;
   ScStatus status = sc_weights_load(path, sc_device_cpu(), &state, &format);
   sc_state_free(&state);
   return status;
}

static void photos(void **state) {
   (void)state;
   static const char *const kinds[] = {"jpg", "png", "gif", "bmp"};
   for (int i = 0; i < 4; i++) {
      char pattern[64];
      snprintf(pattern, sizeof pattern, "tests/golden/images/*.%s", kinds[i]);
      glob_t found;
      assert_int_equal(glob(pattern, 0, NULL, &found), 0);
      for (size_t k = 0; k < found.gl_pathc; k++) {
         assert_ok(sc_image_decode(found.gl_pathv[k], NULL, &expected));
         starve_each(read_photo, found.gl_pathv[k]);
         sc_image_free(&expected);
      }
      globfree(&found);
   }
}

static void weights(void **state) {
   (void)state;
   starve_each(read_weights, "tests/golden/pth/tiny.safetensors");
   starve_each(read_weights, "tests/golden/pth/zip.pth");
   starve_each(read_weights, "tests/golden/pth/legacy.pth");
}

int main(void) {
   const struct CMUnitTest tests[] = {cmocka_unit_test(photos), cmocka_unit_test(weights)};
   return cmocka_run_group_tests(tests, NULL, NULL);
}
