// What is drawn, against the statistics of torchvision's draws (tests/golden/make_augment.py), that it depends
// on seed, epoch and sample alone, and what becomes of a photo then.
#include "host/photo/augment.h"
#include "host/photo/image_color.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_transform.h"
#include "host/photo/image_warp.h"

#include <math.h>

#include "tests/c/golden.h"

#define FOLDER "tests/golden/augment/"
#define PHOTOS "tests/golden/images/"

// ---- draws ----

static ScAugment everything(void) {
   return (ScAugment){.crop = true,
                      .crop_scale = sc_crop_scale,
                      .crop_ratio = sc_crop_ratio,
                      .flip = 0.3,
                      .rotate = true,
                      .degrees = {-10, 30},
                      .jitter = {true, true, true, true},
                      .jitter_range = {{0.6, 1.4}, {0.8, 1.2}, {0, 2}, {-0.1, 0.1}},
                      .policy = SC_POLICY_RAND,
                      .policy_count = 2,
                      .policy_magnitude = 9,
                      .policy_bins = 31,
                      .erase = 0.25,
                      .erase_scale = sc_erase_scale,
                      .erase_ratio = sc_erase_ratio};
}

enum { DRAWS = 20000 };

static ScSample sample_number(int i) {
   return (ScSample){.seed = 3, .epoch = (uint64_t)(i % 7), .index = (uint64_t)(i / 7)};
}

static void statistics_of(const char *kind, int width, int height, ScRange scale, double mean[4],
                          double sd[4]) {
   ScAugment a = everything();
   bool crop = strcmp(kind, "crop") == 0;
   a.crop_scale = a.erase_scale = scale;
   a.erase = 1;
   double sum[4] = {0}, squares[4] = {0};
   for (int i = 0; i < DRAWS; i++) {
      ScSample s = sample_number(i);
      ScRect r =
          crop ? sc_augment_draw_crop(&a, &s, width, height) : sc_augment_draw_erase(&a, &s, width, height);
      assert_true(r.x >= 0 && r.y >= 0 && r.width >= crop && r.height >= crop);
      assert_true(r.x + r.width <= width && r.y + r.height <= height);
      double v[] = {r.x, r.y, r.width, r.height};
      for (int k = 0; k < 4; k++) sum[k] += v[k], squares[k] += v[k] * v[k];
   }
   for (int k = 0; k < 4; k++) {
      mean[k] = sum[k] / DRAWS;
      sd[k] = sqrt(squares[k] / DRAWS - mean[k] * mean[k]);
   }
}

// Means and deviations of torchvision's own draws. Both sides are samples of 20000, so that the difference of
// two means scatters by sqrt(2 / 20000) deviations; five of those, and as much for the deviations, whose
// scatter is at most that for distributions without long tails. The floor of 0.05 pixels is for a distribution
// that is (nearly) one point, whose few other values make the estimate of its deviation crude.
static void test_distribution(void **state) {
   (void)state;
   char kind[16];
   int width, height, count = 0;
   double mean[4], sd[4], found_mean[4], found_sd[4], whole;
   ScRange scale;
   FILE *list = fopen(FOLDER "draws.txt", "r");
   assert_non_null(list);
   while (fscanf(list, "%15s %d %d %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf", kind, &width, &height,
                 &scale.low, &scale.high, &mean[0], &mean[1], &mean[2], &mean[3], &sd[0], &sd[1], &sd[2],
                 &sd[3], &whole) == 14) {
      statistics_of(kind, width, height, scale, found_mean, found_sd);
      for (int k = 0; k < 4; k++) {
         double allowed = 5 * sqrt(2.0 / DRAWS) * sd[k] + 0.05;
         bool narrow = whole > 0.99; // the deviation is that of a handful of values
         if (!(fabs(mean[k] - found_mean[k]) <= allowed + (narrow ? 1.0 : 0)))
            fail_msg("%s %d x %d, mean %d: torchvision %g, found %g", kind, width, height, k, mean[k],
                     found_mean[k]);
         if (!narrow && !(fabs(sd[k] - found_sd[k]) <= allowed))
            fail_msg("%s %d x %d, deviation %d: torchvision %g, found %g", kind, width, height, k, sd[k],
                     found_sd[k]);
      }
      count++;
   }
   assert_int_equal(count, 6);
   fclose(list);
}

// Impossible ratios end in the middle: the largest crop of an allowed ratio, or everything.
static void test_fallback(void **state) {
   (void)state;
   ScAugment a = everything();
   ScSample s = {.seed = 1};
   a.crop_scale = (ScRange){1, 1};
   ScRect wide = sc_augment_draw_crop(&a, &s, 1000, 30), tall = sc_augment_draw_crop(&a, &s, 30, 1000);
   ScRect one = sc_augment_draw_crop(&a, &s, 1, 1);
   assert_memory_equal(&wide, (&(ScRect){480, 0, 40, 30}), sizeof wide);
   assert_memory_equal(&tall, (&(ScRect){0, 480, 30, 40}), sizeof tall);
   assert_memory_equal(&one, (&(ScRect){0, 0, 1, 1}), sizeof one);
}

static void test_other_draws(void **state) {
   (void)state;
   ScAugment a = everything();
   int flips = 0, erased = 0, negative = 0, signs = 0, effects[SC_EFFECTS] = {0}, orders[256] = {0};
   double degrees = 0, low = 1e9, high = -1e9, factors[SC_JITTERS] = {0};
   for (int i = 0; i < DRAWS; i++) {
      ScSample s = sample_number(i);
      ScJitter order[SC_JITTERS];
      double factor[SC_JITTERS], magnitude, d = sc_augment_draw_degrees(&a, &s);
      flips += sc_augment_draw_flip(&a, &s);
      erased += sc_augment_draw_erase(&a, &s, 50, 50).width > 0;
      degrees += d;
      low = fmin(low, d), high = fmax(high, d);
      sc_augment_draw_jitter(&a, &s, order, factor);
      orders[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
      for (int k = 0; k < SC_JITTERS; k++) {
         factors[k] += factor[k];
         assert_true(factor[k] >= a.jitter_range[k].low && factor[k] <= a.jitter_range[k].high);
      }
      ScEffect effect = sc_augment_draw_effect(&a, &s, i % 2, 224, 224, &magnitude);
      effects[effect]++;
      if (effect >= SC_SHEAR_X && effect <= SC_SHARPNESS) signs++, negative += magnitude < 0;
   }
   // Five standard deviations of a mean of 20000 draws each.
   double n = DRAWS, five = 5 / sqrt(n);
   assert_true(fabs(flips / n - 0.3) < five * sqrt(0.3 * 0.7));
   assert_true(fabs(erased / n - 0.25) < five * sqrt(0.25 * 0.75));
   assert_true(fabs(degrees / n - 10) < five * 40 / sqrt(12));
   assert_true(low >= -10 && low < -9.9 && high < 30 && high > 29.9);
   const double middle[] = {1, 1, 1, 0}, width[] = {0.8, 0.4, 2, 0.2};
   for (int k = 0; k < SC_JITTERS; k++)
      assert_true(fabs(factors[k] / n - middle[k]) < five * width[k] / sqrt(12));
   assert_true(fabs(negative / (double)signs - 0.5) < 5 * 0.5 / sqrt(signs));
   for (int e = 0; e < SC_EFFECTS; e++) assert_true(fabs(effects[e] / n - 1.0 / 14) < five * sqrt(13.0 / 196));
   int seen = 0;
   for (int o = 0; o < 256; o++) {
      if (orders[o] == 0) continue;
      seen++;
      assert_true(fabs(orders[o] / n - 1.0 / 24) < five * sqrt(23.0 / 576));
   }
   assert_int_equal(seen, 24);
}

static void correlate(double x, double y, double sums[5]) {
   sums[0] += x, sums[1] += y, sums[2] += x * x, sums[3] += y * y, sums[4] += x * y;
}

static double correlation(const double s[5], double n) {
   return (n * s[4] - s[0] * s[1]) / sqrt((n * s[2] - s[0] * s[0]) * (n * s[3] - s[1] * s[1]));
}

// A draw tells nothing of the next sample's, the next epoch's, the next seed's, nor of another kind's.
static void test_independence(void **state) {
   (void)state;
   ScAugment a = everything();
   double sums[4][5] = {{0}};
   for (int i = 0; i < DRAWS; i++) {
      ScSample s = {.seed = 11, .epoch = 5, .index = (uint64_t)i}, next = s, epoch = s, seed = s;
      next.index++, epoch.epoch++, seed.seed++;
      double own = sc_augment_draw_degrees(&a, &s);
      correlate(own, sc_augment_draw_degrees(&a, &next), sums[0]);
      correlate(own, sc_augment_draw_degrees(&a, &epoch), sums[1]);
      correlate(own, sc_augment_draw_degrees(&a, &seed), sums[2]);
      correlate(own, sc_augment_draw_crop(&a, &s, 500, 500).width, sums[3]);
   }
   for (int k = 0; k < 4; k++) // five standard deviations of a correlation of independent values
      if (!(fabs(correlation(sums[k], DRAWS)) < 5 / sqrt(DRAWS)))
         fail_msg("pair %d: correlation %g", k, correlation(sums[k], DRAWS));
}

// These numbers may never change: a run that is resumed with another build must see the same pictures.
static void test_known_answer(void **state) {
   (void)state;
   ScAugment a = everything();
   ScSample s = {.seed = 42, .epoch = 3, .index = 1000};
   ScJitter order[SC_JITTERS];
   double factor[SC_JITTERS], magnitude;
   ScRect crop = sc_augment_draw_crop(&a, &s, 640, 480);
   a.erase = 1;
   ScRect hole = sc_augment_draw_erase(&a, &s, 224, 224);
   sc_augment_draw_jitter(&a, &s, order, factor);
   ScEffect effect = sc_augment_draw_effect(&a, &s, 1, 224, 224, &magnitude);
   char text[256];
   snprintf(text, sizeof text, "%d %d %d %d | %d | %.6f | %d%d%d%d %.6f %.6f | %s %.6f | %d %d %d %d", crop.x,
            crop.y, crop.width, crop.height, sc_augment_draw_flip(&a, &s), sc_augment_draw_degrees(&a, &s),
            order[0], order[1], order[2], order[3], factor[0], factor[3], sc_effect_name(effect), magnitude,
            hole.x, hole.y, hole.width, hole.height);
   assert_string_equal(
       text, "53 19 332 365 | 1 | -5.260864 | 2301 0.775734 0.012844 | Posterize 7.000000 | 48 118 68 105");
}

// ---- a whole sample ----

enum { CROP = 24, SIZE = CROP * CROP * 3 };

static const ScPreprocess preprocess = {
    .resize = 28, .crop = CROP, .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}};

// With nothing to augment the result is that of evaluation.
static void test_nothing(void **state) {
   (void)state;
   ScAugment none = {0};
   ScSample s = {0};
   float found[SIZE], expected[SIZE];
   ScImage photo = load_photo(PHOTOS "baseline.jpg"), fitted;
   assert_ok(sc_augment_load(PHOTOS "baseline.jpg", NULL, &preprocess, &none, &s, found, NULL));
   assert_ok(sc_image_preprocess(&photo, &preprocess, &fitted));
   sc_image_to_float(&fitted, preprocess.mean, preprocess.std, expected);
   assert_memory_equal(found, expected, sizeof expected);
   sc_image_free(&photo);
   sc_image_free(&fitted);
}

// Every kind in the documented order, one after the other by hand.
static void test_order(void **state) {
   (void)state;
   static ScStatus (*const change[])(ScImage *, double) = {sc_image_brightness, sc_image_contrast,
                                                           sc_image_saturation, sc_image_hue};
   ScAugment a = everything();
   a.erase = 1, a.erase_value[0] = 1, a.erase_value[1] = 2, a.erase_value[2] = 3;
   ScImage photo = load_photo(PHOTOS "rgb.png"), image;
   for (uint64_t index = 0; index < 20; index++) {
      ScSample s = {.seed = 5, .epoch = 1, .index = index};
      float found[SIZE], expected[SIZE];
      ScJitter order[SC_JITTERS];
      double factor[SC_JITTERS], magnitude;
      ScRect crop = sc_augment_draw_crop(&a, &s, photo.width, photo.height);
      assert_ok(sc_image_resized_crop(&photo, &crop, CROP, CROP, SC_BILINEAR, &image));
      if (sc_augment_draw_flip(&a, &s)) assert_ok(sc_image_flip(&image));
      assert_ok(sc_image_rotate(&image, sc_augment_draw_degrees(&a, &s), a.rotation_warp, a.rotation_fill));
      sc_augment_draw_jitter(&a, &s, order, factor);
      for (int i = 0; i < 4; i++) assert_ok(change[order[i]](&image, factor[order[i]]));
      for (int step = 0; step < 2; step++) {
         ScEffect effect = sc_augment_draw_effect(&a, &s, step, CROP, CROP, &magnitude);
         assert_ok(sc_image_effect(&image, effect, magnitude, a.policy_warp, a.policy_fill));
      }
      sc_image_to_float(&image, preprocess.mean, preprocess.std, expected);
      ScRect hole = sc_augment_draw_erase(&a, &s, CROP, CROP);
      for (int i = 0; i < SIZE; i++) {
         int x = i / 3 % CROP - hole.x, y = i / 3 / CROP - hole.y;
         if (x >= 0 && x < hole.width && y >= 0 && y < hole.height) expected[i] = a.erase_value[i % 3];
      }
      assert_ok(sc_augment_image(&photo, &preprocess, &a, &s, found));
      assert_memory_equal(found, expected, sizeof expected);
      sc_image_free(&image);
   }
   sc_image_free(&photo);
}

static void test_erase_noise(void **state) {
   (void)state;
   ScAugment a = {.erase = 1, .erase_scale = {0.3, 0.3}, .erase_ratio = {1, 1}, .erase_noise = true};
   ScImage photo = load_photo(PHOTOS "rgb.png");
   double sum = 0, squares = 0;
   int count = 0;
   for (uint64_t index = 0; index < 50; index++) {
      ScSample s = {.seed = 5, .index = index};
      float found[SIZE];
      ScRect hole = sc_augment_draw_erase(&a, &s, CROP, CROP);
      assert_int_equal(hole.width, 13);
      assert_ok(sc_augment_image(&photo, &preprocess, &a, &s, found));
      for (int y = hole.y; y < hole.y + hole.height; y++)
         for (int i = hole.x * 3; i < (hole.x + hole.width) * 3; i++, count++) {
            double v = found[y * CROP * 3 + i];
            sum += v, squares += v * v;
         }
   }
   assert_int_equal(count, 50 * 13 * 13 * 3);
   assert_true(fabs(sum / count) < 5 / sqrt(count)); // five standard deviations of a mean, and of a variance
   assert_true(fabs(squares / count - 1) < 5 * sqrt(2.0 / count));
   sc_image_free(&photo);
}

// A crop out of the square that the photo is padded to: white beside it, and the same as padding first.
static void test_pad_square(void **state) {
   (void)state;
   ScPreprocess p = preprocess;
   p.pad_square = true;
   ScAugment a = {.crop = true, .crop_scale = {0.05, 1}, .crop_ratio = sc_crop_ratio};
   ScImage photo = load_photo(PHOTOS "wide.png"), square, image; // 500 x 3
   assert_ok(sc_image_pad_square(&photo, &square));
   int white = 0;
   for (uint64_t index = 0; index < 40; index++) {
      ScSample s = {.seed = 9, .index = index};
      float found[SIZE], expected[SIZE];
      ScRect crop = sc_augment_draw_crop(&a, &s, 500, 500);
      assert_ok(sc_image_resized_crop(&square, &crop, CROP, CROP, SC_BILINEAR, &image));
      sc_image_to_float(&image, p.mean, p.std, expected);
      assert_ok(sc_augment_image(&photo, &p, &a, &s, found));
      assert_memory_equal(found, expected, sizeof expected);
      white += image.rgb[0] == 255 && worst_difference(image.rgb, image.rgb + 3, SIZE - 3) == 0;
      sc_image_free(&image);
   }
   assert_true(white > 0 && white < 40); // both kinds of crop were seen: all padding, and with photo in it
   sc_image_free(&square);
   sc_image_free(&photo);
}

// ---- smaller decoding ----

static void compare_shrunk(const char *path, int crop, bool pad, double scale, double *mean, double *worst) {
   ScPreprocess p = {.crop = crop, .pad_square = pad, .std = {1.0f / 255, 1.0f / 255, 1.0f / 255}};
   ScAugment a = {.crop = true, .crop_scale = {scale, 1}, .crop_ratio = sc_crop_ratio};
   size_t count = (size_t)crop * (size_t)crop * 3, compared = 0;
   float *exact = malloc(count * sizeof *exact), *shrunk = malloc(count * sizeof *shrunk);
   *mean = *worst = 0;
   for (uint64_t index = 0; index < 20; index++) {
      ScSample s = {.seed = 2, .index = index};
      a.exact_decode = true;
      assert_ok(sc_augment_load(path, NULL, &p, &a, &s, exact, NULL));
      a.exact_decode = false;
      assert_ok(sc_augment_load(path, NULL, &p, &a, &s, shrunk, NULL));
      for (size_t i = 0; i < count; i++, compared++) {
         double difference = fabs((double)exact[i] - (double)shrunk[i]);
         *mean += difference;
         *worst = fmax(*worst, difference);
      }
   }
   *mean /= (double)compared;
   free(exact);
   free(shrunk);
}

// A photo that is looked at as a whole is decoded whole, others only where the crop is: the crop is the same.
static void test_part_of_a_photo(void **state) {
   (void)state;
   enum { CROP = 9, COUNT = CROP * CROP * 3 };
   ScAugment a = {.crop = true, .crop_scale = {0.05, 1}, .crop_ratio = sc_crop_ratio};
   float whole[COUNT], part[COUNT];
   for (int orientation = 1; orientation <= 8; orientation++)
      for (uint64_t index = 0; index < 40; index++) {
         char path[64];
         ScLook look;
         ScPreprocess p = {.crop = CROP, .pad_square = index % 2, .std = {1, 1, 1}};
         ScSample s = {.seed = 3, .index = index};
         snprintf(path, sizeof path, PHOTOS "exif%d.jpg", orientation);
         assert_ok(sc_augment_load(path, NULL, &p, &a, &s, part, NULL));
         s.look = &look;
         assert_ok(sc_augment_load(path, NULL, &p, &a, &s, whole, NULL));
         assert_memory_equal(part, whole, sizeof whole);
      }
}

static int one_denominator(void *context, int width, int height) {
   (void)width, (void)height;
   return *(int *)context;
}

// How far, on average, the pixels of a photo decoded smaller are from the means of the photo's pixels they
// stand for.
static double shrunk_difference(const char *path, int shrink) {
   ScImage whole = load_photo(path);
   ScPhoto photo;
   assert_ok(sc_image_decode_photo(path, NULL,
                                   &(ScPurpose){.choose_shrink = one_denominator, .context = &shrink}, &photo));
   assert_int_equal(photo.width, whole.width);
   assert_int_equal(photo.height, whole.height);
   assert_int_equal(photo.shrink, shrink);
   assert_int_equal(photo.image.width, (whole.width + shrink - 1) / shrink);
   assert_int_equal(photo.image.height, (whole.height + shrink - 1) / shrink);
   double difference = 0;
   int count = 0;
   for (int y = 1; y < photo.image.height - 1; y++)
      for (int x = 1; x < photo.image.width - 1; x++) {
         int from_x = (int)((x - photo.left) * shrink), from_y = (int)((y - photo.top) * shrink);
         for (int c = 0; c < 3; c++, count++) {
            double sum = 0;
            for (int i = 0; i < shrink * shrink; i++)
               sum += whole.rgb[((from_y + i / shrink) * whole.width + from_x + i % shrink) * 3 + c];
            difference += fabs(sum / (shrink * shrink) - photo.image.rgb[(y * photo.image.width + x) * 3 + c]);
         }
      }
   sc_image_free(&whole);
   sc_photo_free(&photo);
   return difference / count;
}

// 50 x 30 pixels are no multiple of 4 or 8, so that a photo which is turned round begins with an incomplete
// pixel. The smaller transforms cut off frequencies, which differs from a mean where the picture is rough, as
// this one is: up to 3.5 gray levels are seen. Taking no notice of the incomplete pixel costs 10 to 36 (at
// 1/8).
static void test_shrunk_pixels(void **state) {
   (void)state;
   for (int orientation = 1; orientation <= 8; orientation++)
      for (int shrink = 1; shrink <= 8; shrink *= 2) {
         char path[64];
         snprintf(path, sizeof path, PHOTOS "exif%d.jpg", orientation);
         double difference = shrunk_difference(path, shrink);
         if (!(difference <= (shrink == 1 ? 0 : 4.5)))
            fail_msg("%s at 1/%d: %g gray levels from the means", path, shrink, difference);
      }
}

// At least a factor of two is left to the resize, which takes most of that difference away again: 2.2 gray
// levels on average and 17 at the worst pixel are seen on these rough pictures (stripes three pixels wide, and
// noise).
static void expect_similar(const char *path, int crop, bool pad, double scale) {
   double mean, worst;
   compare_shrunk(path, crop, pad, scale, &mean, &worst);
   if (!(mean > 0 && mean <= 2.8 && worst <= 24))
      fail_msg("%s to %d: %g gray levels from exact decoding, at the worst %g", path, crop, mean, worst);
}

static void test_shrunk_crops(void **state) {
   (void)state;
   double mean, worst;
   char path[64];
   expect_similar(PHOTOS "photo.jpg", 24, false, 0.08);
   expect_similar(PHOTOS "photo.jpg", 24, true, 0.08);
   for (int orientation = 1; orientation <= 8; orientation++) {
      snprintf(path, sizeof path, PHOTOS "exif%d.jpg", orientation);
      expect_similar(path, 5, false, 0.5);
   }
   compare_shrunk(PHOTOS "photo.jpg", 130, false, 0.08, &mean, &worst);
   assert_true(worst == 0); // less than four times the crop: always exact
}

// ---- bad input ----

static void test_bad_arguments(void **state) {
   (void)state;
   ScSample s = {0};
   float out[SIZE];
   ScImage photo = load_photo(PHOTOS "tiny.png"), empty = {0};
   ScAugment a = everything();
#define REFUSED(change, part)                                                                                  \
   a = everything();                                                                                           \
   change;                                                                                                     \
   assert_fails(sc_augment_image(&photo, &preprocess, &a, &s, out), SC_EARG, part)
   REFUSED(a.crop_scale.low = 0, "random_resized_crop: scale: expected two numbers");
   REFUSED(a.crop_scale.high = 1.1, "random_resized_crop: scale");
   REFUSED(a.crop_ratio.low = 2, "random_resized_crop: ratio");
   REFUSED(a.crop_ratio.low = NAN, "random_resized_crop: ratio");
   REFUSED(a.flip = 1.5, "horizontal_flip: expected a probability from 0 to 1, found 1.5");
   REFUSED(a.degrees.low = -400, "rotation");
   REFUSED(a.jitter_range[SC_JITTER_HUE].high = 0.6,
           "color_jitter: hue: expected two numbers {low, high} within -0.5");
   REFUSED(a.jitter_range[SC_JITTER_BRIGHTNESS].low = -0.1, "color_jitter: brightness");
   REFUSED(a.policy_magnitude = 31, "rand_augment: magnitude: expected 0 to 30");
   REFUSED(a.policy_bins = 1, "rand_augment: bins");
   REFUSED(a.policy_count = -1, "rand_augment: n");
   REFUSED(a.erase = -1, "random_erasing");
   REFUSED(a.erase_scale.high = 2, "random_erasing: scale");
   REFUSED(a.erase_value[2] = INFINITY, "random_erasing: value");
   REFUSED(s.epoch = 1 << 24, "epoch below 2^24");
   s.epoch = 0;
   a = everything();
   assert_fails(sc_augment_image(&empty, &preprocess, &a, &s, out), SC_EARG, "empty image");
   assert_fails(sc_augment_load("/nowhere.jpg", NULL, &preprocess, &a, &s, out, NULL), SC_EIO,
                "/nowhere.jpg: cannot open");
   sc_image_free(&photo);
}

int main(void) {
   const struct CMUnitTest tests[] = {

       cmocka_unit_test(test_distribution),    cmocka_unit_test(test_fallback),
       cmocka_unit_test(test_other_draws),     cmocka_unit_test(test_independence),
       cmocka_unit_test(test_known_answer),    cmocka_unit_test(test_nothing),
       cmocka_unit_test(test_order),           cmocka_unit_test(test_erase_noise),
       cmocka_unit_test(test_pad_square),      cmocka_unit_test(test_shrunk_pixels),
       cmocka_unit_test(test_part_of_a_photo), cmocka_unit_test(test_shrunk_crops),
       cmocka_unit_test(test_bad_arguments),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
