// What lies in a box of a photo: the same pixels as if the whole were decoded and cut, however the file is
// made, shrunk and turned, in coordinates of the picture that is shown or of the one that is stored; painted
// over where a mask leaves it out; and a message that names the file where box or mask are none of it.
#include "host/photo/loader.h"

#include <math.h>

#include "host/photo/image_decode.h"
#include "host/photo/image_orient.h"

#include "tests/c/photos.h"
#include "tests/c/scratch.h"

enum { WIDTH = 181, HEIGHT = 133 }; // as it is stored

static int below(uint32_t *seed, int n) {
   *seed = *seed * 1664525 + 1013904223;
   return (int)((uint64_t)*seed * (uint64_t)n >> 32);
}

static const char *make_photo(const char *name, int orientation, bool progressive) {
   const char *path = scratch(name);
   Content file = make_jpeg((JpegKind){.width = WIDTH,
                                       .height = HEIGHT,
                                       .components = 3,
                                       .across = 2,
                                       .down = 2,
                                       .progressive = progressive,
                                       .orientation = orientation,
                                       .seed = 3});
   spill(path, file.data, file.size);
   free(file.data);
   return path;
}

static ScRect some_rect(uint32_t *seed, int across, int down) {
   int x = below(seed, across), y = below(seed, down);
   return (ScRect){x, y, 1 + below(seed, across - x), 1 + below(seed, down - y)};
}

static ScCrop crop_of(ScRect r) {
   return (ScCrop){.has_box = true, .box = {r.x, r.y, r.width, r.height}, .outside = {1, 2, 3}};
}

static ScStatus decode(const char *path, const ScPurpose *purpose, const ScCrop *crop, ScPhoto *out) {
   bool is_cut;
   return sc_crop_decode(sc_image_decode_photo, path, NULL, purpose, crop, out, &is_cut);
}

static void expect_part(const ScImage *whole, const ScRect *part, const ScPhoto *found, const char *what) {
   if (found->image.width != part->width || found->image.height != part->height ||
       found->width != part->width || found->height != part->height || found->left != 0 || found->top != 0)
      fail_msg("%s: %d x %d, expected %d x %d", what, found->image.width, found->image.height, part->width,
               part->height);
   for (int y = 0; y < part->height; y++)
      if (memcmp(found->image.rgb + 3 * y * part->width,
                 whole->rgb + 3 * ((part->y + y) * whole->width + part->x), 3 * (size_t)part->width))
         fail_msg("%s: other pixels in row %d", what, y);
}

// ---- pixels ----

static void test_shown(void **state) {
   (void)state;
   char what[64];
   uint32_t seed = 1;
   for (int orientation = 1; orientation <= 8; orientation++) {
      const char *path = make_photo("shown.jpg", orientation, orientation % 2);
      ScImage whole;
      assert_ok(sc_image_decode(path, NULL, &whole));
      for (int i = 0; i < 12; i++) {
         ScRect r = some_rect(&seed, whole.width, whole.height);
         ScCrop crop = crop_of(r);
         crop.pixels = i % 2 ? SC_PIXELS_SHOWN : SC_PIXELS_TOLD;
         ScPhoto found;
         assert_ok(decode(path, &(ScPurpose){0}, &crop, &found));
         snprintf(what, sizeof what, "orientation %d, (%d, %d)", orientation, r.x, r.y);
         expect_part(&whole, &r, &found, what);
         sc_photo_free(&found);
      }
      sc_image_free(&whole);
   }
}

// The box of the stored picture shows, turned, what the same box of the same picture without orientation does.
static void test_stored(void **state) {
   (void)state;
   uint32_t seed = 2;
   char plain[256]; // scratch() has few places for names
   strcpy(plain, make_photo("plain.jpg", 0, false));
   for (int orientation = 1; orientation <= 8; orientation++) {
      const char *path = make_photo("stored.jpg", orientation, false);
      for (int i = 0; i < 12; i++) {
         ScRect r = some_rect(&seed, WIDTH, HEIGHT);
         ScCrop crop = crop_of(r);
         ScPhoto expected, found;
         assert_ok(decode(plain, &(ScPurpose){0}, &crop, &expected));
         assert_ok(sc_image_orient(&expected.image, orientation));
         crop.pixels = SC_PIXELS_STORED;
         if (i % 2 && orientation >= 5) crop.pixels = SC_PIXELS_TOLD, crop.width = WIDTH, crop.height = HEIGHT;
         assert_ok(decode(path, &(ScPurpose){0}, &crop, &found));
         expect_part(&expected.image, &(ScRect){0, 0, expected.image.width, expected.image.height}, &found,
                     "stored");
         sc_photo_free(&expected);
         sc_photo_free(&found);
      }
   }
}

static int shrink_by_four(void *context, int width, int height) {
   ScRect *box = context; // is told of the box
   assert_int_equal(width, box->width);
   assert_int_equal(height, box->height);
   return 4;
}

// Shrunk pixels that the box touches, and where in them it begins.
static void test_shrunk(void **state) {
   (void)state;
   uint32_t seed = 4;
   for (int orientation = 1; orientation <= 8; orientation++) {
      const char *path = make_photo("shrunk.jpg", orientation, false);
      ScRect all = {0, 0, orientation >= 5 ? HEIGHT : WIDTH, orientation >= 5 ? WIDTH : HEIGHT};
      ScPhoto whole, found;
      assert_ok(sc_image_decode_photo(path, NULL,
                                      &(ScPurpose){.choose_shrink = shrink_by_four, .context = &all}, &whole));
      for (int i = 0; i < 12; i++) {
         ScRect r = some_rect(&seed, all.width, all.height);
         ScCrop crop = crop_of(r);
         assert_ok(decode(path, &(ScPurpose){.choose_shrink = shrink_by_four, .context = &r}, &crop, &found));
         double x = whole.left + r.x / 4.0, y = whole.top + r.y / 4.0;
         assert_true(found.left == x - (int)x && found.top == y - (int)y);
         assert_true(found.image.width <= r.width / 4 + 2 && found.image.height <= r.height / 4 + 2);
         for (int row = 0; row < found.image.height; row++)
            assert_memory_equal(found.image.rgb + 3 * row * found.image.width,
                                whole.image.rgb + 3 * (((int)y + row) * whole.image.width + (int)x),
                                3 * (size_t)found.image.width);
         sc_photo_free(&found);
      }
      sc_photo_free(&whole);
   }
}

// Only what lies around the box is decoded: memory is asked for that alone.
static ScStatus no_room(void *context, int width, int height, int shrink, size_t *bytes) {
   (void)width, (void)height, (void)shrink;
   *bytes = 0;
   *(bool *)context = true;
   return SC_OK;
}

static void test_memory(void **state) {
   (void)state;
   bool asked = false;
   const char *path = make_photo("memory.jpg", 6, false);
   ScCrop crop = crop_of((ScRect){40, 50, 16, 16});
   ScPurpose purpose = {.ask_room = no_room, .context = &asked};
   ScPhoto whole, found;
   assert_ok(sc_image_decode_photo(path, NULL, &purpose, &whole));
   assert_ok(decode(path, &purpose, &crop, &found));
   assert_true(asked);
   assert_true(whole.share - found.share > WIDTH * HEIGHT * 2);
   sc_photo_free(&whole);
   sc_photo_free(&found);
}

// Half to even, as Python rounds.
static void test_rounding(void **state) {
   (void)state;
   const char *path = make_photo("rounded.jpg", 0, false);
   ScImage whole;
   ScPhoto found;
   assert_ok(sc_image_decode(path, NULL, &whole));
   static const struct {
      ScBox box;
      ScRect expected;
   } cases[] = {{{0.5, 1.5, 2, 2}, {0, 2, 2, 2}},
                {{2.4, 2.6, 1, 1}, {2, 3, 1, 1}},
                {{10, 20, 5.49, 5.5}, {10, 20, 5, 6}},
                {{-0.4, -0.6, 9, 9}, {0, 0, 9, 8}},
                {{-30, -20, 40, 50}, {0, 0, 10, 30}},
                {{171, 100, 50, 90}, {171, 100, 10, 33}},
                {{-1e9, -1e9, 1e12, 1e12}, {0, 0, 181, 133}}};
   static const bool are_cut[] = {false, false, false, false, true, true, true};
   for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      ScCrop crop = {.has_box = true, .box = cases[i].box};
      bool is_cut;
      assert_ok(sc_crop_decode(sc_image_decode_photo, path, NULL, &(ScPurpose){0}, &crop, &found, &is_cut));
      expect_part(&whole, &cases[i].expected, &found, "rounded");
      assert_int_equal(is_cut, are_cut[i]);
      sc_photo_free(&found);
   }
   sc_image_free(&whole);
}

// ---- masks ----

// Columns of the frame: every pixel of which x + 2 y is divisible by three is in it.
static bool is_in(int x, int y) {
   return (x + 2 * y) % 3 == 0;
}

static ScMask make_mask(int width, int height) {
   int64_t *runs = calloc((size_t)width * (size_t)height + 1, sizeof *runs);
   size_t n = 1;
   for (int x = 0; x < width; x++)
      for (int y = 0; y < height; y++) {
         if (is_in(x, y) != (n % 2 == 0)) n++;
         runs[n - 1]++;
      }
   return (ScMask){SC_MASK_COUNTS, width, height, runs, n};
}

// Masks whole photos, and what lies in boxes of them, in the picture as it is stored, without an orientation.
static void paint(ScImage *image, const ScRect *r) {
   for (int y = 0; y < image->height; y++)
      for (int x = 0; x < image->width; x++)
         if (!is_in(r->x + x, r->y + y)) memcpy(image->rgb + 3 * (y * image->width + x), "\1\2\3", 3);
}

static void test_masks(void **state) {
   (void)state;
   uint32_t seed = 6;
   char plain[256]; // scratch() has few places for names
   strcpy(plain, make_photo("plain.jpg", 0, false));
   for (int orientation = 1; orientation <= 8; orientation++) {
      const char *path = make_photo("masked.jpg", orientation, false);
      bool swap = orientation >= 5;
      for (int i = 0; i < 8; i++) {
         bool stored = i % 2;
         int width = stored || !swap ? WIDTH : HEIGHT, height = stored || !swap ? HEIGHT : WIDTH;
         ScMask mask = make_mask(width, height);
         ScRect r = i < 2 ? (ScRect){0, 0, width, height} : some_rect(&seed, width, height);
         if (r.width * r.height < 3) r = (ScRect){0, 0, 3, 3};
         ScCrop crop = crop_of(r), box = crop;
         crop.has_box = i >= 2;
         crop.mask = mask;
         if (stored && !swap) crop.pixels = SC_PIXELS_STORED; // which its size does not tell
         box.pixels = stored ? SC_PIXELS_STORED : SC_PIXELS_SHOWN;
         ScPhoto expected, found;
         assert_ok(decode(stored ? plain : path, &(ScPurpose){0}, &box, &expected));
         paint(&expected.image, &r);
         if (stored) assert_ok(sc_image_orient(&expected.image, orientation));
         assert_ok(decode(path, &(ScPurpose){0}, &crop, &found));
         expect_part(&expected.image, &(ScRect){0, 0, expected.image.width, expected.image.height}, &found,
                     "masked");
         sc_photo_free(&expected);
         sc_photo_free(&found);
         free((void *)mask.data);
      }
   }
}

// A shrunk pixel is in the mask where its middle is.
static void test_shrunk_mask(void **state) {
   (void)state;
   const char *path = make_photo("half.jpg", 0, false);
   ScRect r = {8, 8, 80, 64};
   ScCrop crop = crop_of(r);
   double left_half[] = {8, 0, 0, 48, 0, 48, 133, 0, 133};
   crop.mask = (ScMask){.kind = SC_MASK_POLYGONS, .data = left_half, .count = 9};
   ScPhoto found;
   assert_ok(decode(path, &(ScPurpose){.choose_shrink = shrink_by_four, .context = &r}, &crop, &found));
   assert_int_equal(found.image.width, 20);
   for (int y = 0; y < found.image.height; y++)
      for (int x = 0; x < found.image.width; x++)
         assert_int_equal(memcmp(found.image.rgb + 3 * (y * found.image.width + x), "\1\2\3", 3) == 0, x >= 10);
   sc_photo_free(&found);
}

// ---- what is no crop of the photo ----

static void expect_refused(const char *path, ScCrop crop, const char *why) {
   ScPhoto found;
   assert_fails(decode(path, &(ScPurpose){0}, &crop, &found), SC_EFORMAT, why);
   assert_non_null(strstr(sc_error(), path));
   assert_null(found.image.rgb);
   assert_int_equal(found.share, 0);
}

static ScCrop boxed(double x, double y, double width, double height) {
   return (ScCrop){.has_box = true, .box = {x, y, width, height}};
}

static void test_refused(void **state) {
   (void)state;
   static const int64_t all_out[] = {WIDTH * HEIGHT}, cut_off[] = {5, 6}, far_in[] = {WIDTH * HEIGHT - 5, 5};
   const char *path = make_photo("refused.jpg", 6, false); // shown upright, 133 x 181
   expect_refused(path, boxed(133, 0, 10, 10), "lies outside of the photo; the photo has 133 x 181 pixels");
   expect_refused(path, boxed(-10, 0, 10, 10), "lies outside");
   expect_refused(path, boxed(0, 1e300, 10, 10), "lies outside");
   expect_refused(path, boxed(3, 3, 0, 10), "is empty");
   expect_refused(path, boxed(3, 3, -2, 10), "is empty");
   expect_refused(path, boxed(NAN, 3, 2, 10), "is empty");
   expect_refused(path, boxed(3, INFINITY, 2, 10), "is empty");
   expect_refused(path, boxed(3.2, 3, 0.2, 10), "has less than a pixel");
   ScCrop c = boxed(3, 3, 10, 10);
   c.width = 1000, c.height = 700;
   expect_refused(path, c,
                  "the box is of a photo of 1000 x 700 pixels, and this one has 133 x 181 (as it is shown");
   c.width = WIDTH, c.height = HEIGHT, c.pixels = SC_PIXELS_SHOWN;
   expect_refused(path, c, "the box is of a photo of 181 x 133 pixels");
   c = (ScCrop){.mask = {SC_MASK_COUNTS, 133, 181, all_out, 1}};
   expect_refused(path, c, "the mask has no pixel");
   c.mask = (ScMask){SC_MASK_COUNTS, 133, 181, cut_off, 2};
   expect_refused(path, c, "the mask is cut off");
   c.mask = (ScMask){SC_MASK_COUNTS, 100, 181, all_out, 1};
   expect_refused(path, c, "the mask is of a photo of 100 x 181 pixels");
   c = boxed(3, 3, 10, 10);
   c.mask = (ScMask){SC_MASK_COUNTS, 133, 181, far_in, 2};
   expect_refused(path, c, "the mask has no pixel within the box");
   c.width = WIDTH, c.height = HEIGHT; // box of the stored, mask of the shown picture
   expect_refused(path, c, "the box is of a photo of 181 x 133 pixels");
}

// ---- loaders ----

static void expect_same_floats(const float *found, const float *expected, int crop) {
   for (int i = 0; i < crop * crop * 3; i++) assert_true(found[i] == expected[i]);
}

// One file three times, whole, with a box, and with one that is none; by any number of workers.
static void test_loader(void **state) {
   (void)state;
   enum { CROP = 24 };
   const char *path = make_photo("loaded.jpg", 6, false);
   const char *paths[] = {path, path, path, path};
   int64_t runs[] = {0, WIDTH * HEIGHT}, order[] = {3, 2, 1, 0};
   ScCrop crops[] = {{0}, crop_of((ScRect){20, 30, 90, 80}), boxed(500, 500, 9, 9), boxed(100, 150, 60, 31)};
   crops[1].mask = (ScMask){SC_MASK_COUNTS, WIDTH, HEIGHT, runs, 2};
   for (int workers = 0; workers < 3; workers++) {
      ScLoaderConfig c = {
          .count = 4, .paths = paths, .crops = crops, .order = order, .order_count = 4, .batch_size = 4};
      c.preprocess = (ScPreprocess){.resize = 30, .crop = CROP, .std = {1, 1, 1}};
      c.skip_bad = c.digests = true;
      c.workers = workers;
      ScLoader *loader;
      ScBatch batch;
      assert_ok(sc_loader_open(&loader, &c));
      crops[1].pixels = SC_PIXELS_STORED, runs[1] = -1; // they are the loader's own by now
      assert_ok(sc_loader_next(loader, &batch));
      crops[1].pixels = SC_PIXELS_TOLD, runs[1] = WIDTH * HEIGHT;
      assert_int_equal(batch.n, 3);
      assert_int_equal(batch.bad_count, 1);
      assert_int_equal(batch.bad[0].index, 2);
      assert_non_null(strstr(batch.bad[0].message, "lies outside"));
      assert_int_equal(batch.note_count, 1);
      assert_int_equal(batch.notes[0].index, 3);
      assert_int_equal(batch.notes[0].kind, SC_NOTE_CUT);
      for (int i = 0; i < 3; i++) {
         float expected[CROP * CROP * 3];
         ScPhoto photo;
         ScImage seen;
         assert_ok(decode(path, &(ScPurpose){0}, &crops[batch.indices[i]], &photo));
         assert_int_equal(batch.looks[i].width, photo.width);
         assert_ok(sc_image_preprocess(&photo.image, &c.preprocess, &seen));
         sc_image_to_float(&seen, c.preprocess.mean, c.preprocess.std, expected);
         expect_same_floats((const float *)batch.pixels->buffer->data + i * CROP * CROP * 3, expected, CROP);
         sc_image_free(&seen);
         sc_photo_free(&photo);
      }
      sc_batch_release(&batch);
      sc_loader_close(loader);
   }
}

// A random crop is one of the box: the same as of a photo that has its pixels alone, padded or not.
static void test_random_crops(void **state) {
   (void)state;
   enum { CROP = 16 };
   const char *path = make_photo("random.jpg", 3, false);
   ScCrop crop = crop_of((ScRect){20, 30, 101, 60});
   ScAugment augment = {
       .crop = true, .crop_scale = sc_crop_scale, .crop_ratio = sc_crop_ratio, .exact_decode = true};
   ScPhoto boxed_photo;
   assert_ok(decode(path, &(ScPurpose){0}, &crop, &boxed_photo));
   for (int i = 0; i < 40; i++) {
      ScPreprocess p = {.crop = CROP, .std = {1, 1, 1}, .pad_square = i % 2};
      ScSample sample = {.seed = 3, .epoch = 1, .index = (uint64_t)i, .crop = &crop}, plain = sample;
      float found[CROP * CROP * 3], expected[CROP * CROP * 3];
      ScLook look;
      if (i % 4 >= 2) sample.look = &look; // which wants all of it
      assert_ok(sc_augment_load(path, NULL, &p, &augment, &sample, found, NULL));
      assert_ok(sc_augment_image(&boxed_photo.image, &p, &augment, &plain, expected));
      expect_same_floats(found, expected, CROP);
   }
   sc_photo_free(&boxed_photo);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_shown),        cmocka_unit_test(test_stored),   cmocka_unit_test(test_shrunk),
       cmocka_unit_test(test_memory),       cmocka_unit_test(test_rounding), cmocka_unit_test(test_masks),
       cmocka_unit_test(test_shrunk_mask),  cmocka_unit_test(test_refused),  cmocka_unit_test(test_loader),
       cmocka_unit_test(test_random_crops),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
