// Small files that would take much memory or time: each is told as what it is, and takes no more than a photo
// of the size in its header may.
#include "host/photo/image_decode.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tests/c/check.h"

// ---- the heap, as it stands and at most ----

static atomic_size_t live, most;

#ifndef __SANITIZE_ADDRESS__         // has an allocation of its own
#pragma GCC visibility push(default) // the libraries call it too

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static void *counted(void *block) {
   size_t now = block ? live += malloc_usable_size(block) : 0;
   if (now > most) most = now;
   return block;
}

void *malloc(size_t bytes) {
   return counted(__libc_malloc(bytes));
}

void *calloc(size_t n, size_t bytes) {
   return counted(__libc_calloc(n, bytes));
}

void free(void *block) {
   if (block) live -= malloc_usable_size(block);
   __libc_free(block);
}

void *realloc(void *block, size_t bytes) {
   size_t before = block ? malloc_usable_size(block) : 0;
   void *moved = __libc_realloc(block, bytes);
   if (moved || !bytes) live -= before;
   return counted(moved);
}

#pragma GCC visibility pop
#endif

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

typedef struct {
   unsigned char *data;
   size_t size;
} Png;

// Appends a chunk: length, type, data, checksum.
static void put_chunk(Png *png, const char *type, const void *data, uint32_t length) {
   png->data = realloc(png->data, png->size + length + 12);
   unsigned char *chunk = png->data + png->size;
   memcpy(chunk + 4, type, 4);
   if (length) memcpy(chunk + 8, data, length);
   uint32_t sum = __builtin_bswap32((uint32_t)crc32(0, chunk + 4, length + 4)),
            size = __builtin_bswap32(length);
   memcpy(chunk, &size, 4);
   memcpy(chunk + 8 + length, &sum, 4);
   png->size += length + 12;
}

typedef struct {
   unsigned char width, height, depth, type, interlaced;
} Kind;

static Png begin_png(Kind k) {
   Png png = {malloc(8), 8};
   memcpy(png.data, "\x89PNG\r\n\x1a\n", 8);
   const unsigned char head[] = {0, 0, 0, k.width, 0, 0, 0, k.height, k.depth, k.type, 0, 0, k.interlaced};
   put_chunk(&png, "IHDR", head, sizeof head);
   if (k.type == 3) put_chunk(&png, "PLTE", "abc", 3);
   return png;
}

// `length` zeros, which take little room, in chunks of `piece` bytes; without the end of the stream if
// `open_end`.
static void put_zeros(Png *png, size_t length, size_t piece, bool open_end) {
   unsigned char *zeros = calloc(length + 1, 1), *packed = malloc(compressBound(length) + 64);
   z_stream z = {.next_in = zeros, .avail_in = (uInt)length, .next_out = packed};
   z.avail_out = (uInt)compressBound(length) + 64;
   assert_int_equal(deflateInit(&z, 1), Z_OK);
   deflate(&z, open_end ? Z_SYNC_FLUSH : Z_FINISH);
   size_t size = z.total_out;
   deflateEnd(&z);
   for (size_t at = 0; at < size; at += piece)
      put_chunk(png, "IDAT", packed + at, (uint32_t)(size - at < piece ? size - at : piece));
   free(zeros);
   free(packed);
}

static Png png_of(Kind k, size_t length) {
   Png png = begin_png(k);
   put_zeros(&png, length, 1000, false);
   put_chunk(&png, "IEND", NULL, 0);
   return png;
}

// Rows of a picture, or those of the seven pictures in an interlaced one: pixel (x, y) stands in the one that
// this table names.
static size_t length_of(Kind k) {
   static const char passes[] = "16462646"
                                "77777777"
                                "56565656"
                                "77777777"
                                "36463646"
                                "77777777"
                                "56565656"
                                "77777777";
   static const unsigned char channels[] = {1, 0, 3, 1, 2, 0, 4};
   size_t bits = (size_t)channels[k.type] * k.depth, sum = 0;
   for (int pass = 1; pass <= (k.interlaced ? 7 : 1); pass++)
      for (int y = 0; y < k.height; y++) {
         size_t pixels = 0;
         for (int x = 0; x < k.width; x++) pixels += !k.interlaced || passes[y % 8 * 8 + x % 8] == '0' + pass;
         if (pixels) sum += 1 + (pixels * bits + 7) / 8;
      }
   return sum;
}

static void check_length(Kind k) {
   ScStatus status;
   size_t length = length_of(k);
   for (size_t given = length - 1; given <= length + 1; given++) {
      Png png = png_of(k, given);
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
   static const Kind kinds[] = {{1, 1, 1, 0, 0}, {1, 1, 2, 0, 0},  {1, 1, 4, 0, 0}, {1, 1, 8, 0, 0},
                                {1, 1, 8, 2, 0}, {1, 1, 16, 2, 0}, {1, 1, 1, 3, 0}, {1, 1, 8, 3, 0},
                                {1, 1, 8, 4, 0}, {1, 1, 16, 6, 0}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      for (int interlaced = 0; interlaced < 2; interlaced++)
         for (unsigned char width = 1; width < 11; width += width < 6 ? 1 : 4)
            for (unsigned char height = 1; height < 11; height += height < 6 ? 1 : 4) {
               Kind k = {width, height, kinds[i].depth, kinds[i].type, (unsigned char)interlaced};
               check_length(k);
            }
}

static void test_png_bomb(void **state) {
   (void)state;
   for (unsigned char interlaced = 0; interlaced < 2; interlaced++) {
      Png png = png_of((Kind){1, 1, 8, 2, interlaced}, 64 << 20);
      refuses(png.data, png.size, "more than its pixels");
      free(png.data);
   }
}

// stb_image reads on behind the end of what is packed, where there is nothing but zeros, for ever.
static void test_png_without_an_end(void **state) {
   (void)state;
   Kind k = {8, 8, 8, 2, 0};
   Png png = begin_png(k);
   put_zeros(&png, length_of(k), 10, true);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "lacks pixels");
   free(png.data);
   png = begin_png(k);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "lacks pixels");
   free(png.data);
}

// Apple's chunk says that what is packed has no header: what was counted would be something else.
static void test_png_of_apple(void **state) {
   (void)state;
   Kind k = {8, 8, 8, 2, 0};
   Png png = begin_png(k);
   put_chunk(&png, "CgBI", "\x50\0\x20\x02", 4);
   put_zeros(&png, length_of(k), 1000, false);
   put_chunk(&png, "IEND", NULL, 0);
   refuses(png.data, png.size, "not a standard PNG");
   free(png.data);
}

static void test_png_of_no_kind(void **state) {
   (void)state;
   static const Kind kinds[] = {
       {1, 1, 8, 1, 0}, {1, 1, 8, 7, 0}, {1, 1, 0, 2, 0}, {1, 1, 3, 2, 0}, {1, 1, 32, 2, 0}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
      Png png = png_of(kinds[i], 100);
      refuses(png.data, png.size, "there is none of");
      free(png.data);
   }
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_png_length),         cmocka_unit_test(test_png_bomb),
       cmocka_unit_test(test_png_without_an_end), cmocka_unit_test(test_png_of_apple),
       cmocka_unit_test(test_png_of_no_kind),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
