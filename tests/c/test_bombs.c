// Small files that would take much memory or time: each is told as what it is, and takes no more than a photo
// of the size in its header may.
#include "host/photo/image_decode.h"
#include "host/photo/image_orient.h"

#include "tests/c/heap.h"
#include "tests/c/photos.h"
#include "tests/c/scratch.h"

// What decoding takes of the heap at most; the status and the message stay behind.
static size_t taken(const void *bytes, size_t size, ScStatus *status) {
   ScImage image;
   size_t before = live;
   most = before;
   *status = sc_image_decode_memory("bomb", bytes, size, NULL, &image);
   sc_image_free(&image);
   assert_int_equal(live, before);
   return most - before;
}

static void refuses(const void *bytes, size_t size, const char *part) {
   enum { LITTLE = 1 << 20 };
   ScStatus status;
   size_t bytes_taken = taken(bytes, size, &status);
   assert_int_equal(status, SC_EFORMAT);
   if (!strstr(sc_error(), part)) fail_msg("expected '%s' in: %s", part, sc_error());
   if (bytes_taken > LITTLE) fail_msg("%zu bytes are taken before it says: %s", bytes_taken, sc_error());
}

// ---- PNG ----

static void check_length(PngKind k) {
   ScStatus status;
   size_t length = length_of(k);
   for (size_t given = length - 1; given <= length + 1; given++) {
      Content png = make_png(k, given, 0);
      taken(png.data, png.size, &status);
      if ((status == SC_OK) != (given == length))
         fail_msg("%d x %d, type %d of %d bits, interlaced %d: %zu bytes of %zu give status %d, %s", k.width,
                  k.height, k.type, k.depth, k.interlaced, given, length, status, sc_error());
      free(png.data);
   }
}

// Every kind of PNG unpacks to just as much as its pixels need.
static void test_png_length(void **state) {
   (void)state;
   static const PngKind kinds[] = {{1, 1, 1, 0, 0}, {1, 1, 2, 0, 0},  {1, 1, 4, 0, 0}, {1, 1, 8, 0, 0},
                                   {1, 1, 8, 2, 0}, {1, 1, 16, 2, 0}, {1, 1, 1, 3, 0}, {1, 1, 8, 3, 0},
                                   {1, 1, 8, 4, 0}, {1, 1, 16, 6, 0}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      for (int interlaced = 0; interlaced < 2; interlaced++)
         for (int width = 1; width < 11; width += width < 6 ? 1 : 4)
            for (int height = 1; height < 11; height += height < 6 ? 1 : 4) {
               PngKind k = {width, height, kinds[i].depth, kinds[i].type, interlaced};
               check_length(k);
            }
}

static void test_png_bomb(void **state) {
   (void)state;
   for (int interlaced = 0; interlaced < 2; interlaced++) {
      Content png = make_png((PngKind){1, 1, 8, 2, interlaced}, 64 << 20, 0);
      refuses(png.data, png.size, "more than its pixels");
      free(png.data);
   }
}

// stb_image on its own reads on behind the end of what is packed, where there is nothing but zeros, for ever.
static void test_png_without_an_end(void **state) {
   (void)state;
   PngKind k = {8, 8, 8, 2, 0};
   Content png = begin_png(k);
   put_rows(&png, length_of(k), 0, 10, true);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "lacks pixels");
   free(png.data);
   png = begin_png(k);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "no IDAT");
   free(png.data);
}

// Apple's chunk says that what is packed has no header: what was counted would be something else.
static void test_png_of_apple(void **state) {
   (void)state;
   PngKind k = {8, 8, 8, 2, 0};
   Content png = begin_png(k);
   put_chunk(&png, "CgBI", "\x50\0\x20\x02", 4);
   put_rows(&png, length_of(k), 0, 1000, false);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "not a standard PNG");
   free(png.data);
}

static void test_png_of_no_kind(void **state) {
   (void)state;
   static const PngKind kinds[] = {
       {1, 1, 8, 1, 0}, {1, 1, 8, 7, 0}, {1, 1, 0, 2, 0}, {1, 1, 3, 2, 0}, {1, 1, 32, 2, 0}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
      Content png = make_png(kinds[i], 100, 0);
      refuses(png.data, png.size, "there is none of");
      free(png.data);
   }
}

// ---- GIF ----

// Codes of a GIF, from the lowest bit on.
typedef struct {
   unsigned char *data;
   size_t bits;
} Codes;

static void put_code(Codes *c, unsigned code, int width) {
   for (int i = 0; i < width; i++, c->bits++)
      if (code >> i & 1) c->data[c->bits / 8] |= (unsigned char)(1 << c->bits % 8);
}

// A GIF of 4 x 4 pixels whose codes stand for runs of 1, 2, 3, ... pixels, `runs` of them.
static unsigned char *make_gif(int runs, size_t *size) {
   static const unsigned char head[] = "GIF87a\4\0\4\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\4\0\4\0\0\2";
   Codes c = {calloc((size_t)runs + 10, 2), 0};
   int width = 3, next = 6; // the table's next entry, which the code before it makes known
   put_code(&c, 4, width);  // begin
   for (int run = 1; run <= runs; run++) {
      put_code(&c, run == 1 ? 0 : (unsigned)next, width);
      if (run > 1) next++;
      if (next == 1 << width && width < 12) width++;
   }
   put_code(&c, 5, width); // end
   size_t bytes = (c.bits + 7) / 8, at = sizeof head - 1;
   unsigned char *gif = malloc(at + 2 * bytes + 300);
   memcpy(gif, head, at);
   for (size_t from = 0; from < bytes; from += gif[at - 1] ? 255 : 0) {
      size_t length = bytes - from < 255 ? bytes - from : 255;
      gif[at] = (unsigned char)length;
      memcpy(gif + at + 1, c.data + from, length);
      at += length + 1;
      if (length < 255) break;
   }
   memcpy(gif + at, "\0;", 3);
   *size = at + 2;
   free(c.data);
   return gif;
}

static void test_gif_codes(void **state) {
   (void)state;
   size_t size;
   ScStatus status;
   for (int runs = 5; runs <= 80; runs += 5) { // 4096 pixels and more than the picture has are let pass
      unsigned char *gif = make_gif(runs, &size);
      taken(gif, size, &status);
      if (status) fail_msg("%d runs: %s", runs, sc_error());
      free(gif);
   }
   unsigned char *gif = make_gif(4000, &size);
   refuses(gif, size, "its codes stand for more than its pixels");
   free(gif);
}

// ---- JPEG ----

// progressive.jpg with its last scan `times` more.
static unsigned char *repeat_scan(int times, size_t *size) {
   size_t length, last;
   unsigned char *photo = slurp("tests/golden/images/progressive.jpg", &length);
   for (last = length - 2; memcmp(photo + last, "\xff\xda", 2) != 0;) last--;
   size_t end = length - 2, scan = end - last;
   unsigned char *jpeg = malloc(length + (size_t)times * scan);
   memcpy(jpeg, photo, end);
   for (int i = 0; i < times; i++, end += scan) memcpy(jpeg + end, photo + last, scan);
   memcpy(jpeg + end, "\xff\xd9", 2);
   *size = end + 2;
   free(photo);
   return jpeg;
}

static ScStatus decode_scans(int more, int64_t max_pixels) {
   ScImage image;
   ScImageLimits limits = {.max_pixels = max_pixels, .max_bytes = 1 << 20};
   size_t size;
   unsigned char *jpeg = repeat_scan(more, &size);
   ScStatus status = sc_image_decode_memory("bomb", jpeg, size, &limits, &image);
   sc_image_free(&image);
   free(jpeg);
   return status;
}

// A scan of a few bytes takes the time of all pixels, so that the largest photo may have fewer of them.
static void test_jpeg_scans(void **state) {
   (void)state;
   ScImage image;
   assert_ok(sc_image_decode("tests/golden/images/progressive.jpg", NULL, &image));
   int64_t pixels = (int64_t)image.width * image.height;
   sc_image_free(&image);
   enum { HAS = 10 };
   assert_ok(decode_scans(500 - HAS, 100 * pixels));
   assert_fails(decode_scans(501 - HAS, 100 * pixels), SC_EFORMAT, "501 scans are more than a photo has");
   assert_ok(decode_scans(50 - HAS, pixels));
   assert_fails(decode_scans(51 - HAS, pixels), SC_EFORMAT, "51 scans are more than a photo has");
   assert_fails(decode_scans(101 - HAS, 2 * pixels), SC_EFORMAT, "101 scans are more than a photo has");
}

// ---- EXIF ----

static void put_little(unsigned char *to, unsigned value, int bytes) {
   for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static unsigned char *put_entry(unsigned char *to, unsigned tag, unsigned format, unsigned count,
                                unsigned value) {
   put_little(to, tag, 2);
   put_little(to + 2, format, 2);
   put_little(to + 4, count, 4);
   put_little(to + 8, value, 4);
   return to + 12;
}

// An EXIF segment whose entries all say that their data are nearly all of it, and that there are as many again
// in the same place; the last one turns the photo.
static void make_exif(unsigned char segment[65533]) {
   static const unsigned tags[][2] = {{0x100, 0x111}, {0x113, 0x214}, {0x9000, 0x9215}, {0xa000, 0xa436}};
   unsigned char *at = segment + 16;
   memset(segment, 0, 65533);
   memcpy(segment, "Exif\0\0II*\0\x08\0\0\0", 14);
   for (int i = 0; i < 4; i++)
      for (unsigned tag = tags[i][0]; tag <= tags[i][1]; tag++) at = put_entry(at, tag, 7, 65000, 8);
   at = put_entry(at, 0x8769, 4, 1, 8);
   at = put_entry(at, 0x112, 3, 1, 6);
   put_little(segment + 14, (unsigned)(at - segment - 16) / 12, 2);
}

static void test_exif(void **state) {
   (void)state;
   unsigned char *segment = malloc(65533);
   make_exif(segment);
   size_t before = live;
   most = before;
   assert_int_equal(sc_exif_orientation((ScBytes){segment, 65533}), 6);
   assert_int_equal(live, before);
   assert_in_range(most - before, 0, 4 << 20);
   free(segment);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_png_length),         cmocka_unit_test(test_png_bomb),
       cmocka_unit_test(test_png_without_an_end), cmocka_unit_test(test_png_of_apple),
       cmocka_unit_test(test_png_of_no_kind),     cmocka_unit_test(test_gif_codes),
       cmocka_unit_test(test_jpeg_scans),         cmocka_unit_test(test_exif),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
