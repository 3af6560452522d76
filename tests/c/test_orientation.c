// How a photo is turned, wherever and in whatever type of number its file says it.
#include "host/photo/image_decode.h"
#include "host/photo/image_orient.h"

#include "tests/c/exif.h"
#include "tests/c/photos.h"
#include "tests/c/scratch.h"

enum { BYTE = 1, SHORT = 3, LONG = 4, SSHORT = 8, SLONG = 9 };

// Whether `file` shows `plain`, turned.
static void expect_turned(const Content *file, const Content *plain, int orientation) {
   ScImage image, upright;
   if (sc_image_decode_memory("turned", file->data, file->size, NULL, &image)) fail_msg("%s", sc_error());
   assert_ok(sc_image_decode_memory("plain", plain->data, plain->size, NULL, &upright));
   assert_ok(sc_image_orient(&upright, orientation));
   assert_int_equal(image.width, upright.width);
   assert_memory_equal(image.rgb, upright.rgb, (size_t)image.width * (size_t)image.height * 3);
   sc_image_free(&image);
   sc_image_free(&upright);
}

// ---- the number ----

static void test_types(void **state) {
   (void)state;
   static const int types[] = {BYTE, SHORT, LONG, SSHORT, SLONG};
   unsigned char exif[64];
   for (int big = 0; big < 2; big++)
      for (int headers = 0; headers < 4; headers++)
         for (int o = 1; o <= 8; o++)
            for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
               ExifKind kind = {o, 0, types[t], headers, big};
               assert_int_equal(sc_exif_orientation((ScBytes){exif, make_exif(kind, exif)}), o);
            }
}

static void test_senseless(void **state) {
   (void)state;
   unsigned char exif[64];
   static const ExifKind kinds[] = {
       {0, 0, SHORT, 1, false},  {9, 0, SHORT, 1, false},   {70000, 0, LONG, 1, true},
       {-1, 0, SSHORT, 1, true}, {6, 271, SHORT, 1, false}, {6, 0, 5, 1, false},
   };
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      assert_int_equal(sc_exif_orientation((ScBytes){exif, make_exif(kinds[i], exif)}), 0);
   size_t size = make_exif((ExifKind){6, 0, SHORT, 1, false}, exif);
   for (size_t cut = 0; cut < size - 4; cut++) { // of just that size, for the sanitizers
      unsigned char *part = malloc(cut + 1);
      memcpy(part, exif, cut);
      int found = sc_exif_orientation((ScBytes){part, cut});
      if (found != 0) fail_msg("%zu bytes of %zu say %d", cut, size, found);
      free(part);
   }
}

// ---- where it stands ----

// A JPEG with segments APP1 behind its first marker.
static Content with_segments(const Content *plain, int n, const ScBytes *segments) {
   Content file = {malloc(plain->size + 70000), 2};
   memcpy(file.data, plain->data, 2);
   for (int i = 0; i < n; i++) {
      size_t length = segments[i].size + 2;
      memcpy(file.data + file.size,
             (unsigned char[]){0xff, 0xe1, (unsigned char)(length >> 8), (unsigned char)length}, 4);
      memcpy(file.data + file.size + 4, segments[i].data, segments[i].size);
      file.size += length + 2;
   }
   memcpy(file.data + file.size, plain->data + 2, plain->size - 2);
   file.size += plain->size - 2;
   return file;
}

static void test_jpeg(void **state) {
   (void)state;
   Content plain = make_jpeg((JpegKind){24, 16, 3, 1, 1, .seed = 1});
   unsigned char six[64], eight[64], none[64], xmp[] = "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>";
   ScBytes says6 = {six, make_exif((ExifKind){6, 0, LONG, 2, true}, six)},
           says8 = {eight, make_exif((ExifKind){8, 0, SHORT, 1, false}, eight)},
           says_nothing = {none, make_exif((ExifKind){1, 271, SHORT, 1, false}, none)},
           other = {xmp, sizeof xmp};
   const struct {
      ScBytes segments[3];
      int n, expected;
   } cases[] = {
       {{says6}, 1, 6},
       {{says6, says8}, 2, 6},
       {{says8, says6}, 2, 8},
       {{other, says_nothing, says6}, 3, 6},
       {{other, says_nothing}, 2, 1},
   };
   for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      Content file = with_segments(&plain, cases[i].n, cases[i].segments);
      expect_turned(&file, &plain, cases[i].expected);
      free(file.data);
   }
   free(plain.data);
}

static Content make_turned_png(ExifKind exif, bool behind, bool has_end) {
   PngKind kind = {12, 9, 8, 2, false};
   unsigned char bytes[64];
   uint32_t size = exif.type ? (uint32_t)make_exif(exif, bytes) : 0;
   Content png = begin_png(kind);
   if (size && !behind) put_chunk(&png, "eXIf", bytes, size);
   put_rows(&png, length_of(kind), 9, 1000, false);
   if (size && behind) put_chunk(&png, "eXIf", bytes, size);
   if (has_end) put_chunk(&png, "IEND", NULL, 0);
   return png;
}

static void test_png(void **state) {
   (void)state;
   Content plain = make_turned_png((ExifKind){0}, false, true);
   for (int o = 1; o <= 8; o++)
      for (int way = 0; way < 16; way++) {
         ExifKind exif = {o, 0, way & 1 ? SHORT : LONG, way >> 1 & 1, way & 1};
         Content png = make_turned_png(exif, way >> 2 & 1, way >> 3 & 1);
         expect_turned(&png, &plain, o);
         free(png.data);
      }
   free(plain.data);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_types),
       cmocka_unit_test(test_senseless),
       cmocka_unit_test(test_jpeg),
       cmocka_unit_test(test_png),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
