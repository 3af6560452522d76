// Photos made for tests, as files in memory. For tests only.
#ifndef SCUTE_TESTS_PHOTOS_H
#define SCUTE_TESTS_PHOTOS_H

#include <stdbool.h>
#include <stdio.h> // jpeglib.h wants FILE
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <zlib.h>

#include "tests/c/check.h"

typedef struct {
   unsigned char *data;
   size_t size;
} Content;

// ---- PNG ----

typedef struct {
   int width, height, depth, type;
   bool interlaced;
} PngKind;

// Appends a chunk: length, type, data, checksum.
static inline void put_chunk(Content *png, const char *type, const void *data, uint32_t length) {
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

static inline Content begin_png(PngKind k) {
   Content png = {malloc(8), 8};
   memcpy(png.data, "\x89PNG\r\n\x1a\n", 8);
   uint32_t head[4] = {__builtin_bswap32((uint32_t)k.width), __builtin_bswap32((uint32_t)k.height)};
   memcpy(head + 2, (unsigned char[]){(unsigned char)k.depth, (unsigned char)k.type, 0, 0, k.interlaced}, 5);
   put_chunk(&png, "IHDR", head, 13);
   if (k.type == 3) put_chunk(&png, "PLTE", "abc", 3);
   return png;
}

// The next of a row of random numbers; 0 stays 0.
static inline unsigned char next_noise(uint32_t *state) {
   *state *= 1664525;
   return (unsigned char)(*state >> 24);
}

// `length` bytes of rows: noise of the four lowest filters, or for seed 0 zeros, which take little room. In
// chunks of `piece` bytes; without the end of the stream if `open_end`.
static inline void put_rows(Content *png, size_t length, uint32_t seed, size_t piece, bool open_end) {
   unsigned char *rows = malloc(length + 1), *packed = malloc(compressBound(length) + 64);
   for (size_t i = 0; i < length; i++) rows[i] = next_noise(&seed) & 3;
   z_stream z = {.next_in = rows, .avail_in = (uInt)length, .next_out = packed};
   z.avail_out = (uInt)compressBound(length) + 64;
   assert_int_equal(deflateInit(&z, 1), Z_OK);
   deflate(&z, open_end ? Z_SYNC_FLUSH : Z_FINISH);
   size_t size = z.total_out;
   deflateEnd(&z);
   for (size_t at = 0; at < size; at += piece)
      put_chunk(png, "IDAT", packed + at, (uint32_t)(size - at < piece ? size - at : piece));
   free(rows);
   free(packed);
}

static inline Content make_png(PngKind k, size_t length, uint32_t seed) {
   Content png = begin_png(k);
   put_rows(&png, length, seed, length > 1 << 16 ? length : 1000, false);
   put_chunk(&png, "IEND", NULL, 0);
   return png;
}

// Rows of a picture, or those of the seven pictures in an interlaced one: pixel (x, y) stands in the one that
// this table names.
static inline size_t length_of(PngKind k) {
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

// ---- JPEG ----

typedef struct {
   int width, height, components;
   int across, down; // pixels of the first component to one of the others
   bool progressive, arithmetic;
   int left_out;    // of a progressive photo's last scans
   int orientation; // 0: none is said
   uint32_t seed;   // of noise
} JpegKind;

static inline void put_orientation(struct jpeg_compress_struct *c, int orientation) {
   unsigned char exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
   exif[24] = (unsigned char)orientation;
   jpeg_write_marker(c, JPEG_APP0 + 1, exif, sizeof exif - 1);
}

static inline Content make_jpeg(JpegKind k) {
   static const J_COLOR_SPACE spaces[] = {[1] = JCS_GRAYSCALE, [3] = JCS_RGB, [4] = JCS_CMYK};
   struct jpeg_compress_struct c;
   struct jpeg_error_mgr errors;
   unsigned char *data = NULL, *row = malloc((size_t)k.width * (size_t)k.components);
   unsigned long size = 0;
   c.err = jpeg_std_error(&errors);
   jpeg_create_compress(&c);
   jpeg_mem_dest(&c, &data, &size);
   c.image_width = (JDIMENSION)k.width, c.image_height = (JDIMENSION)k.height;
   c.input_components = k.components;
   c.in_color_space = spaces[k.components];
   jpeg_set_defaults(&c);
   c.comp_info[0].h_samp_factor = k.across, c.comp_info[0].v_samp_factor = k.down;
   c.arith_code = k.arithmetic;
   if (k.progressive) jpeg_simple_progression(&c);
   if (k.left_out) c.num_scans -= k.left_out;
   jpeg_start_compress(&c, TRUE);
   if (k.orientation) put_orientation(&c, k.orientation);
   while (c.next_scanline < c.image_height) {
      for (int i = 0; i < k.width * k.components; i++) row[i] = next_noise(&k.seed);
      jpeg_write_scanlines(&c, &row, 1);
   }
   jpeg_finish_compress(&c);
   jpeg_destroy_compress(&c);
   free(row);
   return (Content){data, size};
}

#endif
