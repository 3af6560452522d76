// PNG, BMP and GIF through stb_image, which is compiled here without its JPEG, and with zlib in place of its
// own way of unpacking, which goes on as long as there is something, whatever the size of the picture.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#define STBI_NO_ZLIB // see below
// The header declares more than it defines, which is told at the end of the file.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <stb/stb_image.h>

#include "host/photo/image_check.h"
#include "host/photo/image_check_png.h"
#include "host/photo/image_orient.h"
#include "host/photo/image_white.h"
#include "host/photo/photo_kind.h"

// ---- unpacking a PNG ----

static _Thread_local size_t to_unpack; // bytes, no more and no fewer

static const char *fault_of(const z_stream *z, int code) {
   if (code == Z_MEM_ERROR) return "outofmem";
   if (code == Z_DATA_ERROR && z->msg) return z->msg;
   return z->total_out > to_unpack ? "it unpacks to more than its pixels" : "it lacks pixels";
}

// What stb_image calls. Its guess of the size is wrong where the picture is interlaced.
static char *stbi_zlib_decode_malloc_guesssize_headerflag(const char *packed, int length, int guess,
                                                          int *unpacked, int header) {
   (void)guess, (void)header;
   unsigned char *rows = malloc(to_unpack + 1);
   z_stream z = {.next_in = (unsigned char *)packed, .avail_in = (uInt)length, .next_out = rows};
   z.avail_out = (uInt)to_unpack + 1;
   int code = rows && inflateInit(&z) == Z_OK ? inflate(&z, Z_FINISH) : Z_MEM_ERROR;
   inflateEnd(&z);
   *unpacked = (int)z.total_out;
   if (code == Z_STREAM_END && z.total_out == to_unpack) return (char *)rows;
   free(rows);
   stbi__err(fault_of(&z, code), "");
   return NULL;
}

// ---- pixels ----

static ScStatus take(unsigned char *pixels, int width, int height, ScImage *out) {
   size_t bytes = (size_t)width * (size_t)height * 3;
   unsigned char *rgb = realloc(pixels, bytes + SC_IMAGE_SLACK);
   if (!rgb) {
      free(pixels);
      return sc_fail(SC_EMEM, "out of memory: %zu bytes", bytes);
   }
   memset(rgb + bytes, 0, SC_IMAGE_SLACK);
   *out = (ScImage){width, height, rgb};
   return SC_OK;
}

static ScStatus reserve(const ScStbHeader *head, const ScImageLimits *limits, const ScPurpose *purpose,
                        ScPhoto *out) {
   size_t pixels = (size_t)head->width * (size_t)head->height * 3;
   return sc_photo_reserve_whole(out, head->width, head->height, head->orientation,
                                 head->memory > pixels ? head->memory - pixels : 0, purpose, limits);
}

static ScStatus decode(const char *format, ScBytes bytes, const ScStbHeader *head, ScImage *out) {
   int width, height, found;
   if (bytes.size > INT_MAX)
      return sc_fail(SC_EFORMAT, "%zu bytes are more than the 2 GiB a %s may have", bytes.size, format);
   unsigned char *pixels =
       stbi_load_from_memory(bytes.data, (int)bytes.size, &width, &height, &found, head->channels);
   if (!pixels && strcmp(stbi_failure_reason(), "outofmem") == 0)
      return sc_fail(SC_EMEM, "out of memory while decoding a %s", format);
   if (!pixels) return sc_fail(SC_EFORMAT, "truncated or corrupt %s (%s)", format, stbi_failure_reason());
   if (head->channels == 4) sc_pixels_on_white(pixels, (size_t)width * (size_t)height);
   return take(pixels, width, height, out);
}

static const unsigned char end_of_png[12] = "\0\0\0\0IEND\xae\x42\x60\x82";

// stb_image wants the end.
static ScStatus decode_with_end(ScBytes bytes, const ScStbHeader *head, ScImage *out) {
   unsigned char *whole = malloc(head->end + sizeof end_of_png);
   if (!whole) return sc_fail(SC_EMEM, "out of memory: %zu bytes", head->end + sizeof end_of_png);
   memcpy(whole, bytes.data, head->end);
   memcpy(whole + head->end, end_of_png, sizeof end_of_png);
   ScStatus status = decode("PNG", (ScBytes){whole, head->end + sizeof end_of_png}, head, out);
   free(whole);
   return status;
}

static ScStatus decode_png(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   ScStbHeader head;
   SC_TRY(sc_image_check_png(bytes, limits, &head, &to_unpack));
   out->lacks_end = head.end > 0;
   if (out->lacks_end) head.memory += head.end + sizeof end_of_png;
   SC_TRY(reserve(&head, limits, purpose, out));
   SC_TRY(out->lacks_end ? decode_with_end(bytes, &head, &out->image)
                         : decode("PNG", bytes, &head, &out->image));
   return sc_image_orient(&out->image, head.orientation);
}
SC_PHOTO_READER(SC_PHOTO_PNG, decode_png)

static ScStatus decode_bmp(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   ScStbHeader head;
   SC_TRY(sc_image_check_bmp(bytes, limits, &head));
   SC_TRY(reserve(&head, limits, purpose, out));
   return decode("BMP", bytes, &head, &out->image);
}
SC_PHOTO_READER(SC_PHOTO_BMP, decode_bmp)

static ScStatus decode_gif(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   ScStbHeader head;
   SC_TRY(sc_image_check_gif(bytes, limits, &head));
   SC_TRY(reserve(&head, limits, purpose, out));
   return decode("GIF", bytes, &head, &out->image);
}
SC_PHOTO_READER(SC_PHOTO_GIF, decode_gif)
