// Photos against torchvision's result for the same files (tests/golden/make_images.py), and every kind of bad
// input.
#include "host/photo/image.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_png.h"
#include "host/photo/image_transform.h"

#include "tests/c/golden.h"

#define FOLDER "tests/golden/images/"

// Writes into the scratch folder and tells where.
static const char *write_file(const char *name, const void *data, size_t size) {
   const char *path = scratch(name);
   spill(path, data, size);
   return path;
}

// ---- golden cases ----

typedef struct {
   char file[64], filter[16];
   int pad, resize, crop, tolerance, width, height;
} Case;

static bool read_case(FILE *list, Case *c) {
   return fscanf(list, "%63s %d %d %d %15s %d %d %d", c->file, &c->pad, &c->resize, &c->crop, c->filter,
                 &c->tolerance, &c->width, &c->height) == 8;
}

static size_t check_case(FILE *list, const unsigned char *expected) {
   Case found, *c = &found;
   char path[128];
   if (!read_case(list, c)) return 0;
   snprintf(path, sizeof path, FOLDER "%s", c->file);
   ScPreprocess p = {.pad_square = c->pad,
                     .resize = c->resize,
                     .crop = c->crop,
                     .filter = strcmp(c->filter, "bicubic") == 0 ? SC_BICUBIC : SC_BILINEAR,
                     .std = {1, 1, 1}};
   ScImage photo = load_photo(path), fitted;
   if (sc_image_preprocess(&photo, &p, &fitted)) fail_msg("%s: %s", path, sc_error());
   if (fitted.width != c->width || fitted.height != c->height)
      fail_msg("%s: expected %d x %d, found %d x %d", path, c->width, c->height, fitted.width, fitted.height);
   size_t bytes = (size_t)c->width * (size_t)c->height * 3;
   int worst = worst_difference(fitted.rgb, expected, bytes);
   if (worst > c->tolerance)
      fail_msg("%s, resize %d crop %d %s: %d gray levels from torchvision, at most %d allowed", path, c->resize,
               c->crop, c->filter, worst, c->tolerance);
   sc_image_free(&photo);
   sc_image_free(&fitted);
   return bytes;
}

static void test_golden(void **state) {
   (void)state;
   each_golden_case(FOLDER, 100, check_case);
}

// ---- bad input ----

static void expect_refusal(ScStatus expected, const char *path, const char *part) {
   ScImage image = {7, 7, NULL};
   ScStatus status = sc_image_decode(path, NULL, &image);
   if (status != expected)
      fail_msg("%s: expected status %d, found %d (%s)", path, expected, status, sc_error());
   if (!strstr(sc_error(), path)) fail_msg("the message does not name %s: %s", path, sc_error());
   if (!strstr(sc_error(), part)) fail_msg("expected '%s' in: %s", part, sc_error());
   assert_null(strchr(sc_error(), '\n'));
   assert_null(image.rgb);
   assert_int_equal(image.width, 0);
}

static void test_not_a_file(void **state) {
   (void)state;
   expect_refusal(SC_EIO, scratch("missing.jpg"), "No such file");
   expect_refusal(SC_EIO, scratch_folder, "found a folder");
   expect_refusal(SC_EFORMAT, write_file("empty.jpg", "", 0), "empty");
   const char *pipe_path = scratch("pipe.jpg");
   assert_int_equal(mkfifo(pipe_path, 0600), 0);
   expect_refusal(SC_EIO, pipe_path, "pipe");
   const char *locked = write_file("locked.jpg", "x", 1);
   chmod(locked, 0);
   if (access(locked, R_OK) != 0)
      expect_refusal(SC_EIO, locked, "Permission denied"); // root may read everything
}

#define REFUSED(bytes, part) expect_refusal(SC_EFORMAT, write_file("photo.jpg", bytes, sizeof bytes - 1), part)

static void test_other_formats(void **state) {
   (void)state;
   REFUSED("\0\0\0\x18"
           "ftypcrx \0\0\0\1crx isom",
           "darktable-cli photo.cr3");
   REFUSED("8BPS\0\1", "Photoshop");
   REFUSED("\xff\x0a\xff\x07", "djxl");
   REFUSED("file_name,label\na.jpg,1\n", "expected the content of a JPEG, PNG, BMP, GIF, WebP");
   REFUSED("B", "not a photo");
}

// Cuts files of every format at many places.
static void test_truncated(void **state) {
   (void)state;
   const char *names[] = {"baseline.jpg",   "progressive.jpg", "gray.jpg", "cmyk.jpg", "rgb.png",
                          "interlaced.png", "palette.png",     "rgb.bmp",  "bits.bmp", "palette.gif"};
   for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      char path[128];
      size_t size;
      snprintf(path, sizeof path, FOLDER "%s", names[i]);
      unsigned char *data = slurp(path, &size);
      for (size_t eighth = 0; eighth < 8; eighth++) {
         size_t cut = size * eighth / 8 + 12;
         if (cut > size - 2) cut = size - 2;
         expect_refusal(SC_EFORMAT, write_file(names[i], data, cut), "truncated or corrupt");
      }
      bool ends_with_pixels =
          strstr(names[i], ".bmp") || strstr(names[i], ".gif"); // see tests/c/test_endless.c
      if (ends_with_pixels)
         expect_refusal(SC_EFORMAT, write_file(names[i], data, size - 2), "truncated or corrupt");
      free(data);
   }
}

static void test_corrupt(void **state) {
   (void)state;
   size_t size;
   unsigned char *data = slurp(FOLDER "baseline.jpg", &size);
   memcpy(data + size / 2, "\xff\xd9\xff\xd9", 4); // an end in the middle
   expect_refusal(SC_EFORMAT, write_file("early_end.jpg", data, size), "truncated or corrupt JPEG");
   free(data);
   data = slurp(FOLDER "baseline.jpg", &size);
   memset(data + 4, 0xff, 200); // tables gone
   expect_refusal(SC_EFORMAT, write_file("no_tables.jpg", data, size), "JPEG");
   free(data);
   data = slurp(FOLDER "rgb.png", &size);
   data[size / 2] ^= 1;
   expect_refusal(SC_EFORMAT, write_file("flipped.png", data, size), "checksum");
   free(data);
}

// Stray bytes before a marker, which some cameras write: the picture is whole.
static void test_harmless_warning(void **state) {
   (void)state;
   size_t size;
   unsigned char *data = slurp(FOLDER "baseline.jpg", &size);
   unsigned char *longer = malloc(size + 3);
   memcpy(longer, data, size - 2);
   memcpy(longer + size - 2, "\0\0\0\xff\xd9", 5);
   ScImage plain, stray;
   assert_int_equal(sc_image_decode_memory("plain", data, size, NULL, &plain), SC_OK);
   if (sc_image_decode_memory("stray", longer, size + 3, NULL, &stray)) fail_msg("%s", sc_error());
   assert_memory_equal(plain.rgb, stray.rgb, (size_t)plain.width * (size_t)plain.height * 3);
   sc_image_free(&plain);
   sc_image_free(&stray);
   free(data);
   free(longer);
}

static void test_size_limit(void **state) {
   (void)state;
   const char *names[] = {"baseline.jpg", "rgb.png", "rgb.bmp", "palette.gif"};
   ScImageLimits limits = {.max_pixels = 2000, .max_bytes = 1 << 20},
                 bytes = {.max_pixels = 1 << 20, .max_bytes = 99};
   for (size_t i = 0; i < 4; i++) {
      char path[128];
      ScImage image;
      snprintf(path, sizeof path, FOLDER "%s", names[i]);
      assert_int_equal(sc_image_decode(path, &limits, &image), SC_EFORMAT);
      assert_non_null(strstr(sc_error(), "limit of 0.002 megapixels"));
      assert_int_equal(sc_image_decode(path, &bytes, &image), SC_EFORMAT);
      assert_non_null(strstr(sc_error(), "limit of 99"));
   }
   // A header that promises what no file of this size holds is refused before any memory is asked for.
   size_t size;
   unsigned char *data = slurp(FOLDER "rgb.bmp", &size);
   memcpy(data + 18, "\xff\xff\xff\x7f\xff\xff\xff\x7f", 8);
   expect_refusal(SC_EFORMAT, write_file("huge.bmp", data, size), "100 megapixels");
   free(data);
}

// Whatever is in a file: an image or a message, and nothing read or written outside (with a sanitizer or
// valgrind).
static void test_mutations(void **state) {
   (void)state;
   const char *names[] = {"baseline.jpg", "progressive.jpg", "ycck.jpg",     "exif6.jpg", "palette_alpha.png",
                          "rgb16.png",    "palette.bmp",     "animated.gif", "clear.gif", "gray_key.png"};
   unsigned random = 12345;
   ScImageLimits limits = {.max_pixels = 100000, .max_bytes = 1 << 20};
   for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      char path[128];
      size_t size;
      snprintf(path, sizeof path, FOLDER "%s", names[i]);
      unsigned char *data = slurp(path, &size), *copy = malloc(size);
      for (int round = 0; round < 60; round++) {
         memcpy(copy, data, size);
         for (int flip = 0; flip <= round % 4; flip++) {
            random = random * 1664525u + 1013904223u;
            size_t range = round % 2 ? size : size < 200 ? size : 200; // headers matter most
            copy[(random >> 8) % range] = (unsigned char)(random >> 3);
         }
         ScImage image;
         ScStatus status = sc_image_decode_memory("mutation", copy, size, &limits, &image);
         assert_true((status == SC_OK) == (image.rgb != NULL));
         sc_image_free(&image);
      }
      free(copy);
      free(data);
   }
}

// ---- the rest of the interface ----

static ScImage ramp(int width, int height) {
   ScImage image;
   assert_int_equal(sc_image_new(width, height, &image), SC_OK);
   for (int i = 0; i < width * height * 3; i++) image.rgb[i] = (unsigned char)(i * 7);
   return image;
}

static void test_to_float(void **state) {
   (void)state;
   ScImage image = ramp(16, 16);
   const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
   float out[16 * 16 * 3];
   sc_image_to_float(&image, mean, std, out);
   for (int i = 0; i < 16 * 16 * 3; i++) {
      float expected = ((float)image.rgb[i] / 255.0f - mean[i % 3]) / std[i % 3];
      assert_true(out[i] == expected); // the same three roundings as torchvision
   }
   sc_image_free(&image);
}

static void test_png_round_trip(void **state) {
   (void)state;
   ScImage image = ramp(37, 21), back;
   unsigned char *png;
   size_t size;
   assert_int_equal(sc_image_encode_png(&image, &png, &size), SC_OK);
   if (sc_image_decode_memory("round trip", png, size, NULL, &back)) fail_msg("%s", sc_error());
   assert_int_equal(back.width, 37);
   assert_memory_equal(image.rgb, back.rgb, 37 * 21 * 3);
   free(png);
   sc_image_free(&back);
   sc_image_free(&image);
}

// What preprocess computes in one go equals the steps.
static void test_steps(void **state) {
   (void)state;
   ScImage image = ramp(91, 47), square, resized, cropped, at_once;
   ScPreprocess p = {.pad_square = true, .resize = 40, .crop = 33, .filter = SC_BICUBIC, .std = {1, 1, 1}};
   assert_int_equal(sc_image_pad_square(&image, &square), SC_OK);
   assert_int_equal(square.width, 91);
   assert_int_equal(square.height, 91);
   assert_int_equal(sc_image_resize(&square, 40, SC_BICUBIC, &resized), SC_OK);
   assert_int_equal(sc_image_center_crop(&resized, 33, &cropped), SC_OK);
   assert_int_equal(sc_image_preprocess(&image, &p, &at_once), SC_OK);
   assert_memory_equal(cropped.rgb, at_once.rgb, 33 * 33 * 3);
   ScImage *all[] = {&image, &square, &resized, &cropped, &at_once};
   for (int i = 0; i < 5; i++) sc_image_free(all[i]);
}

static void test_bad_arguments(void **state) {
   (void)state;
   ScImage image = ramp(8, 8), empty = {0}, out;
   assert_int_equal(sc_image_resize(&empty, 8, SC_BILINEAR, &out), SC_EARG);
   assert_int_equal(sc_image_resize(&image, 0, SC_BILINEAR, &out), SC_EARG);
   assert_int_equal(sc_image_resize(&image, 1 << 30, SC_BILINEAR, &out), SC_EARG);
   assert_int_equal(sc_image_resize_to(&image, 1 << 20, 1 << 20, SC_BILINEAR, &out), SC_EARG);
   assert_int_equal(sc_image_resize(&image, 4, (ScFilter)9, &out), SC_EARG);
   assert_int_equal(sc_image_center_crop(&image, -3, &out), SC_EARG);
   assert_int_equal(sc_image_pad_square(&empty, &out), SC_EARG);
   ScPreprocess p = {.resize = 4, .crop = 4, .std = {1, 0, 1}};
   assert_int_equal(sc_image_preprocess(&image, &p, &out), SC_EARG);
   p.std[1] = 1, p.mean[0] = 0.0f / 0.0f;
   assert_int_equal(sc_image_preprocess(&image, &p, &out), SC_EARG);
   p.mean[0] = 1.0f / 0.0f;
   assert_int_equal(sc_image_preprocess(&image, &p, &out), SC_EARG);
   unsigned char *png;
   size_t size;
   assert_int_equal(sc_image_encode_png(&empty, &png, &size), SC_EARG);
   sc_image_free(&image);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_golden),        cmocka_unit_test(test_not_a_file),
       cmocka_unit_test(test_other_formats), cmocka_unit_test(test_truncated),
       cmocka_unit_test(test_corrupt),       cmocka_unit_test(test_harmless_warning),
       cmocka_unit_test(test_size_limit),    cmocka_unit_test(test_mutations),
       cmocka_unit_test(test_to_float),      cmocka_unit_test(test_png_round_trip),
       cmocka_unit_test(test_steps),         cmocka_unit_test(test_bad_arguments),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
