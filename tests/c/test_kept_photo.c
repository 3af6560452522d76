// Photos that were decoded are there for the next run: the same pixels and the same words as decoding would
// give, until the file is another one.
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/core/store.h"
#include "host/photo/augment.h"
#include "tests/c/scratch.h"

#define PHOTOS "tests/golden/images/"
enum { CROP = 16, PIXELS = CROP * CROP * 3 };

static const ScPreprocess preprocess = {.resize = 20, .crop = CROP, .std = {1, 1, 1}, .filter = SC_BILINEAR};

static int opened; // photos that were opened, and so decoded

int open(const char *path, int flags, ...) {
   va_list rest;
   va_start(rest, flags);
   mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
   va_end(rest);
   opened += strstr(path, ".jpg") != NULL || strstr(path, ".png") != NULL;
   return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static bool is_late = true; // what was written was written long ago

int clock_gettime(clockid_t clock, struct timespec *now) {
   int done = (int)syscall(SYS_clock_gettime, clock, now);
   if (clock == CLOCK_REALTIME) now->tv_sec += is_late ? 60 : -60;
   return done;
}

typedef struct {
   ScStatus status;
   float pixels[PIXELS];
   ScDigest digest;
   ScLook look;
   bool lacks_end;
} Loaded;

static const ScCrop *crop; // what of the photo is loaded

static Loaded load_with(const char *path, const ScPreprocess *p, const ScAugment *augment, uint64_t seed) {
   Loaded loaded = {0};
   ScSample sample = {.seed = seed, .epoch = 1, .digest = &loaded.digest, .look = &loaded.look, .crop = crop};
   loaded.status = sc_augment_load(path, NULL, p, augment, &sample, loaded.pixels, &loaded.lacks_end);
   return loaded;
}

static Loaded load(const char *path, const ScAugment *augment) {
   return load_with(path, &preprocess, augment, 1);
}

static void assert_same(const Loaded *a, const Loaded *b) {
   assert_int_equal(a->status, SC_OK);
   assert_int_equal(b->status, SC_OK);
   assert_memory_equal(a->pixels, b->pixels, sizeof a->pixels);
   assert_int_equal(a->digest.crc, b->digest.crc);
   assert_int_equal(a->digest.size, b->digest.size);
   assert_memory_equal(&a->look, &b->look, sizeof a->look);
   assert_int_equal(a->lacks_end, b->lacks_end);
}

static bool has_same_pixels(const Loaded *a, const Loaded *b) {
   return memcmp(a->pixels, b->pixels, sizeof a->pixels) == 0;
}

static int open_store(void **state) {
   (void)state;
   return !sc_store_open(64 << 20);
}

static int close_store(void **state) {
   (void)state;
   sc_store_close();
   return 0;
}

// ---- what is found ----

static void has_it(const char *path, const ScAugment *augment) {
   sc_store_close();
   Loaded alone = load(path, augment);
   assert_true(sc_store_open(64 << 20));
   Loaded first = load(path, augment);
   assert_same(&first, &alone);
   int before = opened;
   Loaded second = load(path, augment);
   assert_same(&second, &alone);
   assert_int_equal(opened, before);
}

static void a_prepared_photo(void **state) {
   (void)state;
   ScAugment none = {0};
   has_it(PHOTOS "photo.jpg", &none);
   has_it(PHOTOS "exif6.jpg", &none);
   has_it(PHOTOS "rgb.png", &none);
}

static const ScAugment random_crop = {
    .crop = true, .crop_scale = {0.3, 1}, .crop_ratio = {0.75, 1.33}, .flip = 0.5};

// Of one decoding many views can be drawn.
static void a_decoded_photo(void **state) {
   (void)state;
   char path[64];
   for (int orientation = 1; orientation <= 8; orientation++) {
      snprintf(path, sizeof path, PHOTOS "exif%d.jpg", orientation);
      has_it(path, &random_crop);
   }
   has_it(PHOTOS "rgb.png", &random_crop);
   int before = opened;
   Loaded other = load_with(PHOTOS "rgb.png", &preprocess, &random_crop, 2);
   assert_int_equal(opened, before);
   sc_store_close();
   Loaded alone = load_with(PHOTOS "rgb.png", &preprocess, &random_crop, 2);
   assert_same(&other, &alone);
}

// At another part of the size it is decoded once more.
static void each_part_of_the_size(void **state) {
   (void)state;
   ScAugment whole = random_crop, part = random_crop;
   whole.crop_scale = (ScRange){1, 1}, part.crop_scale = (ScRange){0.01, 0.01};
   has_it(PHOTOS "photo.jpg", &whole);
   int before = opened;
   Loaded small = load(PHOTOS "photo.jpg", &part);
   assert_int_equal(opened, before + 1);
   sc_store_close();
   Loaded alone = load(PHOTOS "photo.jpg", &part);
   assert_same(&small, &alone);
}

static void another_preparation_is_another_photo(void **state) {
   (void)state;
   ScAugment none = {0};
   Loaded first = load(PHOTOS "photo.jpg", &none);
   ScPreprocess p = preprocess;
   p.resize = 30;
   Loaded larger = load_with(PHOTOS "photo.jpg", &p, &none, 1);
   p.resize = 20, p.filter = SC_BICUBIC;
   Loaded smoother = load_with(PHOTOS "photo.jpg", &p, &none, 1);
   p.filter = SC_BILINEAR, p.pad_square = true;
   Loaded padded = load_with(PHOTOS "photo.jpg", &p, &none, 1);
   assert_false(has_same_pixels(&first, &larger) || has_same_pixels(&first, &smoother) ||
                has_same_pixels(&first, &padded));
   p.pad_square = false, p.mean[0] = 0.5f; // what is done to the numbers is done each time
   int before = opened;
   Loaded brighter = load_with(PHOTOS "photo.jpg", &p, &none, 1);
   assert_int_equal(opened, before);
   assert_true(brighter.pixels[0] == first.pixels[0] - 0.5f || !has_same_pixels(&brighter, &first));
}

// What lies in a box is kept as that, and a decoded photo for all of its boxes.
static void each_part_of_a_photo(void **state) {
   (void)state;
   char path[64];
   ScAugment none = {0};
   int64_t runs[] = {100, 1 << 20};
   ScCrop crops[] = {{.has_box = true, .box = {2, 3, 20, 18}},
                     {.has_box = true, .box = {2, 3, 20, 18}, .pixels = SC_PIXELS_STORED},
                     {.has_box = true, .box = {4, 3, 20, 18}}};
   for (int orientation = 1; orientation <= 8; orientation++)
      for (int i = 0; i < 3; i++) {
         crop = &crops[i];
         snprintf(path, sizeof path, PHOTOS "exif%d.jpg", orientation);
         has_it(path, &none);
         has_it(path, &random_crop);
      }
   Loaded first = load(PHOTOS "exif6.jpg", &none);
   for (int i = 0; i < 2; i++) {
      crop = &crops[i];
      Loaded other = load(PHOTOS "exif6.jpg", &none);
      assert_false(has_same_pixels(&first, &other));
   }
   double corners[] = {6, 0, 0, 30, 0, 0, 30};
   ScCrop masked = crops[2];
   masked.mask = (ScMask){.kind = SC_MASK_POLYGONS, .data = corners, .count = 7};
   crop = &masked;
   has_it(PHOTOS "exif6.jpg", &none);
   Loaded triangle = load(PHOTOS "exif6.jpg", &none);
   corners[3] = 28;
   Loaded other = load(PHOTOS "exif6.jpg", &none);
   assert_false(has_same_pixels(&triangle, &other) || has_same_pixels(&first, &triangle));
   masked.mask = (ScMask){SC_MASK_COUNTS, 5, 5, runs, 2};
   for (int i = 0; i < 2; i++) assert_int_equal(load(PHOTOS "exif6.jpg", &random_crop).status, SC_EFORMAT);
   crop = NULL;
}

// ---- what is not ----

static void copy(const char *from, const char *to) {
   char command[512];
   snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
   assert_int_equal(system(command), 0);
}

static void a_photo_that_was_replaced(void **state) {
   (void)state;
   ScAugment none = {0};
   const char *path = scratch("a.jpg");
   copy(PHOTOS "exif1.jpg", path);
   Loaded one = load(path, &none), random_one = load(path, &random_crop);
   copy(PHOTOS "photo.jpg", path);
   Loaded other = load(path, &none), random_other = load(path, &random_crop);
   sc_store_close();
   Loaded alone = load(path, &none), random_alone = load(path, &random_crop);
   assert_same(&other, &alone);
   assert_same(&random_other, &random_alone);
   assert_false(has_same_pixels(&one, &other) || has_same_pixels(&random_one, &random_other));
}

static void a_photo_that_was_only_just_written(void **state) {
   (void)state;
   ScAugment none = {0};
   copy(PHOTOS "exif1.jpg", scratch("new.jpg"));
   is_late = false;
   Loaded loaded = load(scratch("new.jpg"), &none);
   is_late = true;
   assert_int_equal(loaded.status, SC_OK);
   assert_int_equal(sc_store_use().entries, 0);
}

static void what_is_no_photo(void **state) {
   (void)state;
   ScAugment none = {0};
   copy("tests/golden/make_images.py", scratch("c.jpg"));
   for (int i = 0; i < 2; i++) {
      assert_int_not_equal(load(scratch("c.jpg"), &none).status, SC_OK);
      assert_int_not_equal(load(scratch("c.jpg"), &random_crop).status, SC_OK);
   }
   assert_int_equal(sc_store_use().entries, 0);
}

// A quarter of the store is for what is smaller and dearer.
static void photos_leave_room(void **state) {
   (void)state;
   ScAugment none = {0};
   ScPreprocess p = preprocess;
   sc_store_close();
   assert_true(sc_store_open(1 << 16));
   for (p.resize = CROP; p.resize < CROP + 200; p.resize++)
      assert_int_equal(load_with(PHOTOS "photo.jpg", &p, &none, 1).status, SC_OK);
   assert_in_range(sc_store_use().bytes, 1 << 15, (1 << 16) / 4 * 3);
}

// Photos of which no room is left for another view yield to it after the run.
static void photos_make_room_for_others(void **state) {
   (void)state;
   ScAugment none = {0};
   ScPreprocess p = preprocess;
   sc_store_close();
   assert_true(sc_store_open(1 << 14));
   for (p.resize = CROP; p.resize < CROP + 40; p.resize++)
      assert_int_equal(load_with(PHOTOS "photo.jpg", &p, &none, 1).status, SC_OK);
   sc_store_next_run();
   load_with(PHOTOS "photo.jpg", &p, &none, 1); // finds no room
   sc_store_next_run();
   load_with(PHOTOS "photo.jpg", &p, &none, 1);
   int before = opened;
   load_with(PHOTOS "photo.jpg", &p, &none, 1);
   assert_int_equal(opened, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)

int main(void) {
   const struct CMUnitTest tests[] = {
       TEST(a_prepared_photo),
       TEST(a_decoded_photo),
       TEST(each_part_of_the_size),
       TEST(another_preparation_is_another_photo),
       TEST(each_part_of_a_photo),
       TEST(a_photo_that_was_replaced),
       TEST(a_photo_that_was_only_just_written),
       TEST(what_is_no_photo),
       TEST(photos_leave_room),
       TEST(photos_make_room_for_others),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
