// Is a BMP or GIF whole? Only containers are walked here; stb_image decodes.
#include "host/photo/image_check.h"

static uint32_t little32(const unsigned char *p) {
   return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t little16(const unsigned char *p) {
   return (uint32_t)(p[0] | p[1] << 8);
}

static ScStatus truncated(const char *format) {
   return sc_fail(SC_EFORMAT, "truncated or corrupt %s (it ends too early)", format);
}

ScStatus sc_image_check_bmp(ScBytes b, const ScImageLimits *limits, ScStbHeader *out) {
   if (b.size < 26) return truncated("BMP");
   bool core = little32(b.data + 14) == 12; // the header of OS/2
   if (!core && b.size < 54) return truncated("BMP");
   int64_t width = core ? (int32_t)little16(b.data + 18) : (int32_t)little32(b.data + 18);
   int64_t height = core ? (int32_t)little16(b.data + 20) : (int32_t)little32(b.data + 22);
   if (height < 0) height = -height; // rows from top to bottom
   int64_t bits = little16(b.data + (core ? 24 : 28));
   uint32_t compression = core ? 0 : little32(b.data + 30);
   if (compression != 0 && compression != 3)
      return sc_fail(SC_EFORMAT, "a compressed BMP (method %u); convert it first: convert photo.bmp photo.png",
                     compression);
   SC_TRY(sc_image_check_size(width, height, limits));
   int64_t row = (width * bits + 31) / 32 * 4;
   if ((int64_t)little32(b.data + 10) + row * height > (int64_t)b.size) return truncated("BMP");
   *out = (ScStbHeader){.width = (int)width,
                        .height = (int)height,
                        .channels = compression == 0 ? 3 : 4,
                        .memory = (size_t)(width * height * 4)};
   return SC_OK;
}

// Behind a chain of sub-blocks (length byte, data; length 0 ends it); 0 if the file ends before.
static size_t skip_blocks(ScBytes b, size_t at) {
   while (at < b.size) {
      size_t length = b.data[at++];
      if (length == 0) return at;
      at += length;
   }
   return 0;
}

// ---- what the codes of a GIF stand for ----

enum { TABLE = 8192 }; // entries that stb_image has room for

// Codes lie bit by bit in a chain of sub-blocks.
typedef struct {
   ScBytes bytes;
   size_t at, left; // in the sub-block
   uint32_t bits;
   int held;
} Codes;

// -1 at the end.
static int next_code(Codes *c, int width) {
   for (; c->held < width; c->held += 8, c->left--) {
      if (c->left == 0 && c->at < c->bytes.size) c->left = c->bytes.data[c->at++];
      if (c->left == 0 || c->at == c->bytes.size) return -1;
      c->bits |= (uint32_t)c->bytes.data[c->at++] << c->held;
   }
   int code = (int)(c->bits & ((1u << width) - 1));
   c->bits >>= width;
   c->held -= width;
   return code;
}

// How many pixels the codes stand for, or some number above `most`. Codes that make no sense end it, as they
// end stb_image.
static uint64_t count_pixels(Codes *c, int root, uint64_t most) {
   uint16_t length[TABLE + 1]; // of what an entry of the table stands for
   int clear = 1 << root, width = root + 1, next = clear + 2, before = -1;
   uint64_t sum = 0;
   for (int i = 0; i < clear; i++) length[i] = 1;
   for (int code = 0; sum <= most && (code = next_code(c, width)) != clear + 1 && code >= 0; before = code) {
      if (code == clear) {
         width = root + 1, next = clear + 2, code = -1;
         continue;
      }
      if (code > next - (before < 0) || next == TABLE) break;
      if (before >= 0) length[next++] = (uint16_t)(length[before] + 1);
      if ((next & ((1 << width) - 1)) == 0 && next < 4096) width++;
      sum += length[code];
   }
   return sum;
}

// A few bytes may stand for thousands of pixels, which stb_image makes and throws away where the picture is
// full.
static ScStatus check_codes(ScBytes b, size_t at, const unsigned char *frame) {
   enum { LONGEST = 4096 }; // an encoder may overshoot
   uint64_t most = 2 * (uint64_t)little16(frame + 4) * little16(frame + 6) + LONGEST;
   Codes codes = {.bytes = b, .at = at + 1};
   if (b.data[at] <= 12 && count_pixels(&codes, b.data[at], most) > most)
      return sc_fail(SC_EFORMAT, "corrupt GIF (its codes stand for more than its pixels)");
   return SC_OK;
}

static size_t palette_bytes(unsigned flags) {
   return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

ScStatus sc_image_check_gif(ScBytes b, const ScImageLimits *limits, ScStbHeader *out) {
   if (b.size < 13) return truncated("GIF");
   uint32_t width = little16(b.data + 6), height = little16(b.data + 8);
   SC_TRY(sc_image_check_size(width, height, limits));
   // The picture, the background, and where something was drawn.
   *out = (ScStbHeader){
       .width = (int)width, .height = (int)height, .channels = 4, .memory = (size_t)width * height * 9};
   size_t at = 13 + palette_bytes(b.data[10]);
   while (at + 10 < b.size && b.data[at] == 0x21) { // extensions
      at = skip_blocks(b, at + 2);
      if (at == 0) return truncated("GIF");
   }
   if (at + 10 >= b.size || b.data[at] != 0x2c) return truncated("GIF");
   size_t code_size = at + 10 + palette_bytes(b.data[at + 9]);
   if (!skip_blocks(b, code_size + 1)) return truncated("GIF");
   return check_codes(b, code_size, b.data + at + 1);
}
