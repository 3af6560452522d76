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

ScStatus sc_image_check_bmp(ScBytes b, const ScImageLimits *limits, bool *opaque) {
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
   *opaque = compression == 0;
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

static size_t palette_bytes(unsigned flags) {
   return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

ScStatus sc_image_check_gif(ScBytes b, const ScImageLimits *limits) {
   if (b.size < 13) return truncated("GIF");
   SC_TRY(sc_image_check_size(little16(b.data + 6), little16(b.data + 8), limits));
   size_t at = 13 + palette_bytes(b.data[10]);
   while (at + 10 < b.size && b.data[at] == 0x21) { // extensions
      at = skip_blocks(b, at + 2);
      if (at == 0) return truncated("GIF");
   }
   if (at + 10 >= b.size || b.data[at] != 0x2c) return truncated("GIF");
   size_t code_size = at + 10 + palette_bytes(b.data[at + 9]);
   return skip_blocks(b, code_size + 1) ? SC_OK : truncated("GIF");
}
