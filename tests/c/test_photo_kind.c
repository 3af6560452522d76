// The kinds of photo by their first bytes: each is told as what it is, and what is none is none.
#include "host/photo/photo_kind.h"
#include "host/photo/photo_kinds.h"

#include <errno.h>

#include "tests/c/scratch.h"

static ScPhotoKind kind_of(const char *bytes, size_t size) {
   char *copy = malloc(size ? size : 1); // of just that size, for the sanitizers
   memcpy(copy, bytes, size);
   ScPhotoKind kind = sc_photo_kind((ScBytes){(const unsigned char *)copy, size});
   free(copy);
   return kind;
}

#define IS(kind, bytes) assert_int_equal(kind_of(bytes, sizeof bytes - 1), kind)

static void test_marks(void **state) {
   (void)state;
   IS(SC_PHOTO_JPEG, "\xff\xd8\xff\xe1");
   IS(SC_PHOTO_PNG, "\x89PNG\r\n\x1a\n");
   IS(SC_PHOTO_GIF, "GIF87a");
   IS(SC_PHOTO_GIF, "GIF89a");
   IS(SC_PHOTO_BMP, "BM\x36\x30\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0");
   IS(SC_PHOTO_WEBP, "RIFF\x24\0\0\0WEBPVP8 ");
   IS(SC_PHOTO_JXL, "\xff\x0a\xff\x07");
   IS(SC_PHOTO_JXL, "\0\0\0\x0cJXL \r\n\x87\n");
   IS(SC_PHOTO_JP2, "\0\0\0\x0cjP  \r\n\x87\n");
   IS(SC_PHOTO_JP2, "\xff\x4f\xff\x51");
   IS(SC_PHOTO_PSD, "8BPS\0\1");
   IS(SC_PHOTO_ORF, "IIRO\x08\0\0\0");
   IS(SC_PHOTO_RW2, "IIU\0\x08\0\0\0");
   IS(SC_PHOTO_RAF, "FUJIFILMCCD-RAW 0201");
   IS(SC_PHOTO_CR2, "II*\0\x10\0\0\0CR\2\0");
   IS(SC_PHOTO_TIFF, "II*\0\x08\0\0\0");
   IS(SC_PHOTO_TIFF, "MM\0*\0\0\0\x08");
   IS(SC_PHOTO_TIFF, "MM\0+\0\x08\0\0");
}

// The first brand may be one of several standards; those that follow say which.
static void test_brands(void **state) {
   (void)state;
   IS(SC_PHOTO_HEIC, "\0\0\0\x18"
                     "ftypheic\0\0\0\0mif1heic");
   IS(SC_PHOTO_HEIC, "\0\0\0\x18"
                     "ftypmif1\0\0\0\0mif1heic");
   IS(SC_PHOTO_AVIF, "\0\0\0\x1c"
                     "ftypmif1\0\0\0\0mif1avifmiaf");
   IS(SC_PHOTO_AVIF, "\0\0\0\x1c"
                     "ftypavif\0\0\0\0");
   IS(SC_PHOTO_CR3, "\0\0\0\x18"
                    "ftypcrx \0\0\0\1crx isom");
   IS(SC_PHOTO_NONE, "\0\0\0\x18"
                     "ftypisom\0\0\2\0isommp42");
   IS(SC_PHOTO_NONE, "\0\0\0\x10"
                     "ftypisom\0\0\2\0avif"); // behind the end of the box
}

static void test_no_photo(void **state) {
   (void)state;
   IS(SC_PHOTO_NONE, "");
   IS(SC_PHOTO_NONE, "B");
   IS(SC_PHOTO_NONE, "BMW and other cars, a list");
   IS(SC_PHOTO_NONE, "file_name,label\na.jpg,1\n");
   IS(SC_PHOTO_NONE, "RIFF\x24\0\0\0WAVEfmt ");
   IS(SC_PHOTO_NONE, "\0\5\x16\7\0\2\0\0Mac OS X        "); // what macOS puts beside a file, as ._photo.jpg
}

// ---- raw files that begin like a TIFF ----

typedef struct {
   unsigned char bytes[128];
   bool big;
   int entries;
} Tiff;

static void put(Tiff *t, size_t at, uint32_t value, int width) {
   for (int i = 0; i < width; i++)
      t->bytes[at + (size_t)(t->big ? width - 1 - i : i)] = (unsigned char)(value >> 8 * i);
}

static Tiff begin_tiff(bool big) {
   Tiff t = {.big = big};
   memcpy(t.bytes, big ? "MM\0*" : "II*\0", 4);
   put(&t, 4, 8, 4);
   return t;
}

static void put_entry(Tiff *t, unsigned tag, unsigned type, uint32_t count, uint32_t value) {
   size_t at = 10 + 12 * (size_t)t->entries++;
   put(t, at, tag, 2);
   put(t, at + 2, type, 2);
   put(t, at + 4, count, 4);
   put(t, at + 8, value, type == 3 && count == 1 ? 2 : 4);
   put(t, 8, (uint32_t)t->entries, 2);
}

static ScPhotoKind kind_of_raw(bool big, const char *maker, uint32_t subfile_type) {
   Tiff t = begin_tiff(big);
   put_entry(&t, 254, 4, 1, subfile_type);
   put_entry(&t, 271, 2, (uint32_t)strlen(maker) + 1, 80);
   put_entry(&t, 330, 4, 1, 8);
   strcpy((char *)t.bytes + 80, maker);
   return kind_of((const char *)t.bytes, sizeof t.bytes);
}

static void test_raw(void **state) {
   (void)state;
   for (int big = 0; big < 2; big++) {
      assert_int_equal(kind_of_raw(big, "NIKON CORPORATION", 1), SC_PHOTO_NEF);
      assert_int_equal(kind_of_raw(big, "SONY", 1), SC_PHOTO_ARW);
      assert_int_equal(kind_of_raw(big, "SONY", 0), SC_PHOTO_TIFF);
      assert_int_equal(kind_of_raw(big, "somebody", 1), SC_PHOTO_TIFF);
      Tiff dng = begin_tiff(big);
      put_entry(&dng, 50706, 1, 4, 0x01040000);
      assert_int_equal(kind_of((const char *)dng.bytes, sizeof dng.bytes), SC_PHOTO_DNG);
      // Cut off anywhere, and pointing anywhere, it is a TIFF.
      for (size_t size = 4; size < 22; size++)
         assert_int_equal(kind_of((const char *)dng.bytes, size), SC_PHOTO_TIFF);
      put(&dng, 4, 0xfffffffe, 4);
      assert_int_equal(kind_of((const char *)dng.bytes, sizeof dng.bytes), SC_PHOTO_TIFF);
   }
}

// ---- what can be done about them ----

static void expect_advice(ScPhotoKind kind, const char *what, const char *advice) {
   assert_int_equal(sc_photo_kind_check(kind), SC_EFORMAT);
   if (!strstr(sc_error(), what) || !strstr(sc_error(), advice))
      fail_msg("expected '%s' and '%s' in: %s", what, advice, sc_error());
}

static void test_advice(void **state) {
   (void)state;
   for (ScPhotoKind kind = SC_PHOTO_JPEG; kind <= SC_PHOTO_BMP; kind++)
      assert_int_equal(sc_photo_kind_check(kind), SC_OK);
   expect_advice(SC_PHOTO_JXL, "a JPEG XL photo", "djxl");
   expect_advice(SC_PHOTO_CR3, "a Canon raw file (CR3)", "darktable-cli photo.cr3");
   expect_advice(SC_PHOTO_NONE, "not a photo", "JPEG");
}

// ---- many files ----

static void test_many(void **state) {
   (void)state;
   enum { N = 700 };
   static char paths[N][300];
   const char *list[N];
   unsigned char kinds[N];
   int errors[N];
   for (int i = 0; i < N; i++) {
      char name[32];
      snprintf(name, sizeof name, "%03d.jpg", i);
      snprintf(paths[i], sizeof paths[i], "%s", scratch(name));
      list[i] = paths[i];
      if (i % 7 != 3) spill(paths[i], i % 2 ? "\xff\xd8\xff" : "no photo", i % 2 ? 3 : 8);
   }
   list[5] = scratch_folder;
   for (int workers = 1; workers <= 8; workers *= 2) {
      memset(kinds, 99, sizeof kinds);
      sc_photo_kinds(list, N, workers, kinds, errors);
      for (int i = 0; i < N; i++) {
         bool is_there = i % 7 != 3 && i != 5;
         assert_int_equal(kinds[i], is_there && i % 2 ? SC_PHOTO_JPEG : SC_PHOTO_NONE);
         assert_int_equal(errors[i], is_there ? 0 : i == 5 ? EISDIR : ENOENT);
      }
   }
   sc_photo_kinds(NULL, 0, 4, NULL, NULL);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_marks), cmocka_unit_test(test_brands), cmocka_unit_test(test_no_photo),
       cmocka_unit_test(test_raw),   cmocka_unit_test(test_advice), cmocka_unit_test(test_many),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
