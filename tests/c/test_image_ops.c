// Every operation on pixels against torchvision and Pillow on the same pictures (tests/golden/make_augment.py).
#include "host/photo/augment.h"
#include "host/photo/image_color.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_transform.h"
#include "host/photo/image_warp.h"

#include <math.h>

#include "tests/c/golden.h"

#define FOLDER "tests/golden/augment/"

enum { NUMBERS = 10 };

typedef struct {
   char picture[32], operation[32];
   int count;
   double n[NUMBERS];
} Case;

static bool read_case(FILE *list, Case *c) {
   char line[512];
   int used, step;
   if (!fgets(line, sizeof line, list)) return false;
   assert_int_equal(sscanf(line, "%31s %31s%n", c->picture, c->operation, &used), 2);
   for (c->count = 0; c->count < NUMBERS && sscanf(line + used, "%lf%n", &c->n[c->count], &step) == 1;
        used += step)
      c->count++;
   return true;
}

static ScStatus run_jitter(ScImage *image, const double *n) {
   static ScStatus (*const change[])(ScImage *, double) = {sc_image_brightness, sc_image_contrast,
                                                           sc_image_saturation, sc_image_hue};
   for (int i = 0; i < 4; i++) SC_TRY(change[(int)n[i]](image, n[4 + (int)n[i]]));
   return SC_OK;
}

static ScStatus run_crop(ScImage *image, const double *n) {
   ScRect crop = {(int)n[0], (int)n[1], (int)n[2], (int)n[3]};
   ScImage made;
   SC_TRY(sc_image_resized_crop(image, &crop, (int)n[4], (int)n[4], (ScFilter)n[5], &made));
   sc_image_free(image);
   *image = made;
   return SC_OK;
}

static ScStatus run_warp(ScImage *image, const Case *c) {
   const double *n = c->n;
   bool rotate = strcmp(c->operation, "rotate") == 0;
   const double *last = n + (rotate ? 2 : 3);
   unsigned char fill[3] = {(unsigned char)last[0], (unsigned char)last[1], (unsigned char)last[2]};
   if (rotate) return sc_image_rotate(image, n[0], (ScWarp)n[1], fill);
   return sc_image_effect(image, (ScEffect)n[0], n[1], (ScWarp)n[2], fill);
}

static ScStatus run_case(ScImage *image, const Case *c) {
   const char *name = c->operation;
   if (strcmp(name, "brightness") == 0) return sc_image_brightness(image, c->n[0]);
   if (strcmp(name, "contrast") == 0) return sc_image_contrast(image, c->n[0]);
   if (strcmp(name, "saturation") == 0) return sc_image_saturation(image, c->n[0]);
   if (strcmp(name, "sharpness") == 0) return sc_image_sharpness(image, c->n[0]);
   if (strcmp(name, "hue") == 0) return sc_image_hue(image, c->n[0]);
   if (strcmp(name, "posterize") == 0) return sc_image_posterize(image, (int)c->n[0]);
   if (strcmp(name, "solarize") == 0) return sc_image_solarize(image, c->n[0]);
   if (strcmp(name, "autocontrast") == 0) return sc_image_autocontrast(image);
   if (strcmp(name, "equalize") == 0) return sc_image_equalize(image);
   if (strcmp(name, "invert") == 0) return sc_image_invert(image);
   if (strcmp(name, "flip") == 0) return sc_image_flip(image);
   if (strcmp(name, "jitter") == 0) return run_jitter(image, c->n);
   if (strcmp(name, "resized_crop") == 0) return run_crop(image, c->n);
   if (strcmp(name, "rotate") == 0 || strcmp(name, "effect") == 0) return run_warp(image, c);
   return sc_fail(SC_EARG, "no such operation: %s", name);
}

// No tolerance: the arithmetic is Pillow's. Where a compiler fuses multiplication and addition, which Pillow's
// builds for other processors than this one do as well, a value may be one gray level away.
#ifdef __FMA__
enum { TOLERANCE = 1 };
#else
enum { TOLERANCE = 0 };
#endif

static size_t check_case(FILE *list, const unsigned char *expected) {
   Case found, *c = &found;
   char path[256];
   if (!read_case(list, c)) return 0;
   snprintf(path, sizeof path, FOLDER "%s.png", c->picture);
   ScImage image = load_photo(path);
   if (run_case(&image, c)) fail_msg("%s %s: %s", c->picture, c->operation, sc_error());
   size_t bytes = (size_t)image.width * (size_t)image.height * 3;
   int worst = worst_difference(image.rgb, expected, bytes);
   if (worst > TOLERANCE)
      fail_msg("%s %s %g %g %g %g: %d gray levels from torchvision", c->picture, c->operation, c->n[0], c->n[1],
               c->n[2], c->n[3], worst);
   sc_image_free(&image);
   return bytes;
}

static void test_golden(void **state) {
   (void)state;
   each_golden_case(FOLDER, 200, check_case);
}

static void test_magnitudes(void **state) {
   (void)state;
   int policy, effect, bin, bins, width, height, count = 0;
   double expected;
   FILE *list = fopen(FOLDER "magnitudes.txt", "r");
   assert_non_null(list);
   while (fscanf(list, "%d %d %d %d %d %d %lf", &policy, &effect, &bin, &bins, &width, &height, &expected) ==
          7) {
      double found = sc_effect_magnitude(policy ? SC_POLICY_TRIVIAL : SC_POLICY_RAND, (ScEffect)effect, bin,
                                         bins, width, height);
      // One rounding of float32: torch's linspace may fuse the multiplication and the addition.
      if (!(fabs(found - expected) <= 1.2e-7 * fabs(expected)))
         fail_msg("policy %d, %s, %d of %d: expected %.9g, found %.9g", policy,
                  sc_effect_name((ScEffect)effect), bin, bins, expected, found);
      count++;
   }
   assert_true(count > 1000);
   fclose(list);
}

static void test_bad_arguments(void **state) {
   (void)state;
   const unsigned char black[3] = {0};
   ScImage photo = load_photo(FOLDER "photo.png"), empty = {0};
   assert_fails(sc_image_brightness(&photo, -1), SC_EARG, "brightness: expected a factor");
   assert_fails(sc_image_contrast(&photo, NAN), SC_EARG, "contrast");
   assert_fails(sc_image_hue(&photo, 0.7), SC_EARG, "hue");
   assert_fails(sc_image_posterize(&photo, 0), SC_EARG, "posterize");
   assert_fails(sc_image_rotate(&photo, INFINITY, SC_WARP_NEAREST, black), SC_EARG, "rotate");
   assert_fails(sc_image_flip(&empty), SC_EARG, "flip");
   ScRect outside = {1, 1, photo.width, 1};
   ScImage made;
   assert_fails(sc_image_resized_crop(&photo, &outside, 4, 4, SC_BILINEAR, &made), SC_EARG, "not inside");
   sc_image_free(&photo);
}

// What fails leaves the picture as it was.
static void test_untouched(void **state) {
   (void)state;
   const unsigned char black[3] = {0};
   ScImage photo = load_photo(FOLDER "photo.png"), before = load_photo(FOLDER "photo.png");
   double matrix[] = {1, 0, NAN, 0, 1, 0};
   assert_fails(sc_image_affine(&photo, matrix, SC_WARP_BILINEAR, black), SC_EARG, "affine");
   assert_fails(sc_image_effect(&photo, SC_EFFECTS, 0, SC_WARP_NEAREST, black), SC_EARG, "no effect");
   assert_fails(sc_image_saturation(&photo, -2), SC_EARG, "saturation");
   assert_memory_equal(photo.rgb, before.rgb, (size_t)photo.width * (size_t)photo.height * 3);
   sc_image_free(&photo);
   sc_image_free(&before);
}

// Far outside Pillow's fixed-point range there is nothing but the fill, and nothing is read there.
static void test_far_away(void **state) {
   (void)state;
   const unsigned char fill[3] = {1, 2, 3};
   const double far[][6] = {
       {1, 0, 1e300, 0, 1, 0}, {1, 1, -1e9, 1, 1, 1e9}, {1e5, 3, 40000, 0, 1, 0}, {1, 0, 0, 2, 1, 3e9}};
   for (int i = 0; i < 8; i++) {
      ScImage photo = load_photo(FOLDER "photo.png");
      assert_ok(sc_image_affine(&photo, far[i / 2], i % 2 ? SC_WARP_BILINEAR : SC_WARP_NEAREST, fill));
      for (int k = 0; k < photo.width * photo.height * 3; k++) assert_int_equal(photo.rgb[k], fill[k % 3]);
      sc_image_free(&photo);
   }
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_golden),        cmocka_unit_test(test_magnitudes),
       cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_untouched),
       cmocka_unit_test(test_far_away),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
