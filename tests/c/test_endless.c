// Photos whose file lacks its end: whole as long as all of their pixels are there, whatever stands in its
// place.
#include "host/photo/image_decode.h"
#include "host/photo/loader.h"

#include "tests/c/photos.h"
#include "tests/c/scratch.h"

#define FOLDER "tests/golden/images/"

static Content read_golden(const char *name) {
   char path[128];
   Content file;
   snprintf(path, sizeof path, FOLDER "%s", name);
   file.data = slurp(path, &file.size);
   return file;
}

// The first `keep` bytes with others behind them.
static const char *write_with(const Content *file, size_t keep, const void *behind, size_t size) {
   unsigned char *bytes = malloc(keep + size + 1);
   memcpy(bytes, file->data, keep);
   memcpy(bytes + keep, behind, size);
   const char *path = scratch("photo");
   spill(path, bytes, keep + size);
   free(bytes);
   return path;
}

static void expect_whole(const Content *file, const char *name, size_t keep, const void *behind, size_t size) {
   ScImage image;
   ScPhoto photo;
   assert_ok(sc_image_decode_memory(name, file->data, file->size, NULL, &image));
   if (sc_image_decode_photo(write_with(file, keep, behind, size), NULL, &(ScPurpose){0}, &photo))
      fail_msg("%s, %zu bytes of %zu and %zu others: %s", name, keep, file->size, size, sc_error());
   assert_true(photo.lacks_end);
   assert_memory_equal(photo.image.rgb, image.rgb, (size_t)image.width * (size_t)image.height * 3);
   sc_photo_free(&photo);
   sc_image_free(&image);
}

static void expect_damaged(const Content *file, const char *name, size_t keep, const void *behind,
                           size_t size) {
   ScPhoto photo;
   if (sc_image_decode_photo(write_with(file, keep, behind, size), NULL, &(ScPurpose){0}, &photo) != SC_EFORMAT)
      fail_msg("%s, %zu bytes of %zu and %zu others: taken for a photo", name, keep, file->size, size);
   if (!strstr(sc_error(), "truncated or corrupt")) fail_msg("%s", sc_error());
}

// What stands there instead: nothing, zeros, text, another photo, noise.
static Content fillings[7];

static int make_fillings(void **state) {
   fillings[0] = (Content){calloc(1, 1), 0};
   fillings[1] = (Content){calloc(1, 1), 1};
   fillings[2] = (Content){calloc(1 << 16, 1), 1 << 16};
   fillings[3] = (Content){malloc(1 << 16), 1 << 16};
   for (int i = 0; i < 1 << 16; i++) fillings[3].data[i] = "taken with a camera of 1998\n"[i % 28];
   fillings[4] = make_jpeg((JpegKind){40, 30, 3, 1, 1, .seed = 3});
   fillings[5] = (Content){malloc(4096), 4096};
   uint32_t seed = 7;
   for (int i = 0; i < 4096; i++) fillings[5].data[i] = next_noise(&seed);
   fillings[6] = (Content){malloc(300), 300}; // a marker that there is none of
   memset(fillings[6].data, 0xa5, 300);
   memcpy(fillings[6].data, "\xff\x05", 2);
   return scratch_setup(state);
}

static int free_fillings(void **state) {
   for (int i = 0; i < 7; i++) free(fillings[i].data);
   return scratch_teardown(state);
}

static void check_jpeg(const char *name, const Content *file) {
   for (int i = 0; i < 7; i++) {
      const Content *f = &fillings[i];
      expect_whole(file, name, file->size - 2, f->data, f->size);
      if (i < 2) expect_damaged(file, name, file->size - 3, f->data, f->size);
      for (size_t eighth = 2; eighth < 8; eighth++)
         expect_damaged(file, name, file->size * eighth / 8, f->data, f->size);
   }
   expect_whole(file, name, file->size - 1, "", 0); // half of the marker
}

static void test_jpeg(void **state) {
   (void)state;
   const char *names[] = {"baseline.jpg", "full_chroma.jpg", "gray.jpg",       "cmyk.jpg",
                          "ycck.jpg",     "photo.jpg",       "progressive.jpg"};
   for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      Content file = read_golden(names[i]);
      check_jpeg(names[i], &file);
      free(file.data);
   }
   const JpegKind kinds[] = {{64, 48, 1, 1, 1, .progressive = true, .seed = 1},
                             {64, 48, 3, 2, 2, .progressive = true, .seed = 2},
                             {63, 47, 4, 1, 1, .progressive = true, .seed = 3}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
      Content file = make_jpeg(kinds[i]);
      check_jpeg("made", &file);
      free(file.data);
   }
}

// Where one scan of a progressive photo begins, or ends, all that follows is missing.
static void test_missing_scans(void **state) {
   (void)state;
   Content file = make_jpeg((JpegKind){64, 48, 3, 1, 1, .progressive = true, .seed = 5});
   int scans = 0;
   for (size_t at = 2; at + 1 < file.size; at++) {
      if (file.data[at] != 0xff || file.data[at + 1] != 0xda) continue;
      if (scans++ > 0) expect_damaged(&file, "scans", at, "", 0);
      if (scans > 1) expect_damaged(&file, "scans", at, "\0\0\0", 3);
      expect_damaged(&file, "scans", at + 4, "", 0); // within its header
   }
   assert_in_range(scans, 6, 20);
   free(file.data);
}

// Arithmetic codes leave out what decodes as zeros: nobody can tell what is missing.
static void test_arithmetic(void **state) {
   (void)state;
   Content file = make_jpeg((JpegKind){64, 48, 3, 1, 1, .arithmetic = true, .seed = 5});
   expect_damaged(&file, "arithmetic", file.size - 2, "", 0);
   expect_damaged(&file, "arithmetic", file.size / 2, fillings[2].data, fillings[2].size);
   free(file.data);
}

static void test_png(void **state) {
   (void)state;
   const char *names[] = {"rgb.png", "interlaced.png", "palette_alpha.png", "rgba16.png", "one_pixel.png"};
   for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      Content file = read_golden(names[i]);
      for (int f = 0; f < 7; f++) {
         expect_whole(&file, names[i], file.size - 12, fillings[f].data, fillings[f].size);
         expect_damaged(&file, names[i], file.size - 17, fillings[f].data, fillings[f].size);
         expect_damaged(&file, names[i], 40, fillings[f].data, fillings[f].size);
      }
      for (size_t cut = 1; cut < 12; cut++) expect_whole(&file, names[i], file.size - cut, "", 0);
      free(file.data);
   }
}

// All pixels but those of a few rows, in a chunk that is whole.
static void test_png_lacks_rows(void **state) {
   (void)state;
   PngKind kind = {8, 8, 8, 2, false};
   Content png = begin_png(kind);
   put_rows(&png, length_of(kind) - 25, 1, 1000, false);
   expect_damaged(&png, "rows", png.size, "", 0);
   free(png.data);
}

static void test_whole_files(void **state) {
   (void)state;
   const char *names[] = {"baseline.jpg", "progressive.jpg", "rgb.png", "rgb.bmp", "palette.gif"};
   for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      Content file = read_golden(names[i]);
      for (int f = 0; f < 7; f++) { // what stands behind the end is nobody's business
         ScPhoto photo;
         const char *path = write_with(&file, file.size, fillings[f].data, fillings[f].size);
         assert_ok(sc_image_decode_photo(path, NULL, &(ScPurpose){0}, &photo));
         assert_false(photo.lacks_end);
         sc_photo_free(&photo);
      }
      free(file.data);
   }
}

// A loader delivers them and names them.
static void test_loader(void **state) {
   (void)state;
   Content file = read_golden("baseline.jpg");
   const char *paths[] = {FOLDER "baseline.jpg", scratch("endless.jpg"), FOLDER "rgb.png"};
   const int64_t order[] = {0, 1, 2};
   spill(paths[1], file.data, file.size - 2);
   free(file.data);
   for (int workers = 0; workers < 3; workers++) {
      ScLoader *loader;
      ScBatch batch;
      ScLoaderConfig c = {.count = 3, .paths = paths, .order_count = 3, .order = order, .batch_size = 3};
      c.preprocess = (ScPreprocess){.resize = 16, .crop = 16, .std = {1, 1, 1}};
      c.workers = workers;
      c.late_normalize = workers == 1;
      assert_ok(sc_loader_open(&loader, &c));
      assert_ok(sc_loader_next(loader, &batch));
      assert_int_equal(batch.n, 3);
      assert_int_equal(batch.note_count, 1);
      assert_int_equal(batch.notes[0].index, 1);
      assert_int_equal(batch.notes[0].kind, SC_NOTE_ENDLESS);
      sc_batch_release(&batch);
      sc_loader_close(loader);
   }
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_jpeg),   cmocka_unit_test(test_missing_scans),  cmocka_unit_test(test_arithmetic),
       cmocka_unit_test(test_png),    cmocka_unit_test(test_png_lacks_rows), cmocka_unit_test(test_whole_files),
       cmocka_unit_test(test_loader),
   };
   return cmocka_run_group_tests(tests, make_fillings, free_fillings);
}
