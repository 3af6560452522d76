// WebP, TIFF, HEIC and AVIF against Pillow and pillow-heif (tests/golden/make_readers.py), each where this
// build reads it, and bad input of each.
#include "host/photo/image_decode.h"
#include "host/photo/photo_kind.h"

#include "tests/c/golden.h"

#define FOLDER "tests/golden/readers/"

static const ScPhotoKind kinds[] = {SC_PHOTO_WEBP, SC_PHOTO_TIFF, SC_PHOTO_HEIC, SC_PHOTO_AVIF};

typedef struct {
   char file[64], kind[16];
   int tolerance, width, height;
} Case;

// Whether this build reads a file of that kind; where it does not the file has to be refused with advice.
static bool is_read(const char *path, const char *kind) {
   ScImage image;
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      if (strcmp(kind, sc_photo_kind_name(kinds[i])) == 0 && sc_photo_decoder(kinds[i])) return true;
   assert_int_equal(sc_image_decode(path, NULL, &image), SC_EFORMAT);
   assert_non_null(strstr(sc_error(), "which this scute was built without: install lib"));
   return false;
}

static void check_case(const Case *c, const unsigned char *expected) {
   char path[128];
   ScImage image;
   snprintf(path, sizeof path, FOLDER "%s", c->file);
   if (!is_read(path, c->kind)) return;
   image = load_photo(path);
   if (image.width != c->width || image.height != c->height)
      fail_msg("%s: expected %d x %d, found %d x %d", path, c->width, c->height, image.width, image.height);
   int worst = worst_difference(image.rgb, expected, (size_t)c->width * (size_t)c->height * 3);
   if (worst > c->tolerance)
      fail_msg("%s: %d gray levels from Pillow, at most %d allowed", path, worst, c->tolerance);
   sc_image_free(&image);
}

static void (*check)(const Case *, const unsigned char *expected); // what is done with each case

static size_t check_next(FILE *list, const unsigned char *expected) {
   Case c;
   if (fscanf(list, "%63s %15s %d %d %d", c.file, c.kind, &c.tolerance, &c.width, &c.height) != 5) return 0;
   check(&c, expected);
   return (size_t)c.width * (size_t)c.height * 3;
}

static void each_case(void (*with)(const Case *, const unsigned char *expected)) {
   check = with;
   each_golden_case(FOLDER, 60, check_next);
}

static void test_golden(void **state) {
   (void)state;
   each_case(check_case);
}

// ---- bad input ----

static ScStatus decode(const void *data, size_t size, ScImage *image) {
   unsigned char *copy = malloc(size ? size : 1); // of just that size, for the sanitizers
   memcpy(copy, data, size);
   ScImageLimits limits = {.max_pixels = 100000, .max_bytes = 1 << 20};
   ScStatus status = sc_image_decode_memory("photo", copy, size, &limits, image);
   free(copy);
   assert_true((status == SC_OK) == (image->rgb != NULL));
   return status;
}

// Of a file that is cut off nothing is made up.
static void check_truncated(const Case *c, const unsigned char *expected) {
   char path[128];
   size_t size;
   ScImage image;
   (void)expected;
   snprintf(path, sizeof path, FOLDER "%s", c->file);
   if (!is_read(path, c->kind)) return;
   unsigned char *data = slurp(path, &size);
   for (size_t eighth = 1; eighth < 8; eighth++) {
      ScStatus status = decode(data, size * eighth / 8, &image);
      bool has_first = strncmp(c->file, "animated", 8) == 0 || strcmp(c->file, "pages.tif") == 0;
      if (status == SC_OK && !has_first) fail_msg("%s: %zu eighths of it are taken for a photo", path, eighth);
      if (status != SC_OK && !strstr(sc_error(), "truncated or corrupt")) fail_msg("%s", sc_error());
      sc_image_free(&image);
   }
   free(data);
}

static void test_truncated(void **state) {
   (void)state;
   each_case(check_truncated);
}

static void check_limit(const Case *c, const unsigned char *expected) {
   char path[128];
   ScImage image;
   ScImageLimits limits = {.max_pixels = c->width * c->height - 1, .max_bytes = 1 << 20};
   (void)expected;
   snprintf(path, sizeof path, FOLDER "%s", c->file);
   if (!is_read(path, c->kind)) return;
   assert_int_equal(sc_image_decode(path, &limits, &image), SC_EFORMAT);
   if (!strstr(sc_error(), "more than the limit")) fail_msg("%s", sc_error());
}

static void test_limit(void **state) {
   (void)state;
   each_case(check_limit);
}

static void test_refused(void **state) {
   (void)state;
   static const char *const files[][2] = {
       {"refused_float.tif", "floating-point numbers"},     {"refused_signed.tif", "signed"},
       {"refused_lab.tif", "photometric interpretation 8"}, {"refused_raw.tif", "a camera's raw file"},
       {"refused_sensor.tif", "a camera's raw file"},
   };
   for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
      char path[128];
      ScImage image;
      snprintf(path, sizeof path, FOLDER "%s", files[i][0]);
      if (!is_read(path, "TIFF")) return;
      assert_int_equal(sc_image_decode(path, NULL, &image), SC_EFORMAT);
      if (!strstr(sc_error(), files[i][1]) || strchr(sc_error(), '\n')) fail_msg("%s", sc_error());
   }
}

// Whatever is in a file: an image or a message.
static void check_mutations(const Case *c, const unsigned char *expected) {
   char path[128];
   size_t size;
   (void)expected;
   snprintf(path, sizeof path, FOLDER "%s", c->file);
   if (!is_read(path, c->kind)) return;
   unsigned char *data = slurp(path, &size), *copy = malloc(size);
   unsigned random = 12345;
   for (int round = 0; round < 12; round++) {
      memcpy(copy, data, size);
      for (int flip = 0; flip <= round % 4; flip++) {
         random = random * 1664525u + 1013904223u;
         size_t range = round % 2 || size < 300 ? size : 300;
         copy[(random >> 8) % range] = (unsigned char)(random >> 3);
      }
      ScImage image;
      (void)decode(copy, size, &image);
      sc_image_free(&image);
   }
   free(copy);
   free(data);
}

static void test_mutations(void **state) {
   (void)state;
   each_case(check_mutations);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_golden),  cmocka_unit_test(test_truncated), cmocka_unit_test(test_limit),
       cmocka_unit_test(test_refused), cmocka_unit_test(test_mutations),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
