#include "host/photo/image_check_png.h"

#include <string.h>

#include <zlib.h>

#include "host/photo/image_orient.h"

static uint32_t big32(const unsigned char *p) {
   return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static ScStatus truncated(const char *how) {
   return sc_fail(SC_EFORMAT, "truncated or corrupt PNG (%s)", how);
}

// ---- how long the rows are ----

// Of a picture, or of one of the seven in an interlaced one. A byte before each row names its filter.
static size_t bytes_of_rows(size_t width, size_t height, size_t bits) {
   return width && height ? ((width * bits + 7) / 8 + 1) * height : 0;
}

static size_t bytes_of_passes(size_t width, size_t height, size_t bits) {
   static const unsigned char from_x[] = {0, 4, 0, 2, 0, 1, 0}, from_y[] = {0, 0, 4, 0, 2, 0, 1},
                              step_x[] = {8, 8, 4, 4, 2, 2, 1}, step_y[] = {8, 8, 8, 4, 4, 2, 2};
   size_t sum = 0;
   for (int p = 0; p < 7; p++)
      sum += bytes_of_rows((width - from_x[p] + step_x[p] - 1) / step_x[p],
                           (height - from_y[p] + step_y[p] - 1) / step_y[p], bits);
   return sum;
}

// What the pixels unpack to. `head` is the IHDR chunk's data: width, height, depth, colour type, two methods
// and whether it is interlaced.
static ScStatus bytes_of_pixels(const unsigned char *head, size_t *out) {
   static const unsigned char channels[] = {1, 0, 3, 1, 2, 0, 4}; // of a colour type
   unsigned depth = head[8], type = head[9];
   if (type >= sizeof channels || !channels[type]) return truncated("a colour type that there is none of");
   if (depth > 16 || depth & (depth - 1) || !depth) return truncated("a depth that there is none of");
   *out = (head[12] ? bytes_of_passes : bytes_of_rows)(big32(head), big32(head + 4), channels[type] * depth);
   return SC_OK;
}

// ---- chunks: length, type, data, checksum ----

// Lower case in the type's first letter marks what a decoder may ignore.
static ScStatus check_chunk(const unsigned char *chunk, size_t length) {
   bool critical = !(chunk[4] & 0x20);
   if (critical && crc32(crc32(0, NULL, 0), chunk + 4, (uInt)length + 4) != big32(chunk + 8 + length))
      return sc_fail(SC_EFORMAT, "truncated or corrupt PNG (wrong checksum in chunk %.4s)",
                     (const char *)chunk + 4);
   if (memcmp(chunk + 4, "CgBI", 4) == 0) // Apple's own, in which what is packed has no header
      return sc_fail(SC_EFORMAT, "not a standard PNG (chunk CgBI is in it); save it again as PNG");
   return SC_OK;
}

static bool is_letter(unsigned char c) {
   return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// Four letters behind its length.
static bool has_name(ScBytes b, size_t at) {
   for (size_t i = 4; i < 8; i++)
      if (!is_letter(b.data[at + i])) return false;
   return true;
}

// Whether a chunk stands there, and is all there.
static bool is_chunk(ScBytes b, size_t at) {
   return b.size - at >= 12 && has_name(b, at) && big32(b.data + at) <= b.size - at - 12;
}

static bool is_of_type(ScBytes b, size_t at, const char *type) {
   return b.size - at >= 8 && memcmp(b.data + at + 4, type, 4) == 0;
}

// Before or behind the pixels.
static void read_exif(ScBytes b, size_t at, ScStbHeader *out) {
   if (out->orientation || !is_of_type(b, at, "eXIf")) return;
   out->orientation = sc_exif_orientation((ScBytes){b.data + at + 8, big32(b.data + at)});
}

// Without the chunk IEND the picture may yet be whole, of which IDAT are the parts: what they unpack to will
// tell.
static ScStatus check_chunks(ScBytes b, ScStbHeader *out) {
   bool has_pixels = false;
   size_t at = 8;
   for (; is_chunk(b, at); at += 12 + big32(b.data + at)) {
      SC_TRY(check_chunk(b.data + at, big32(b.data + at)));
      if (is_of_type(b, at, "IEND")) return SC_OK;
      read_exif(b, at, out);
      has_pixels |= is_of_type(b, at, "IDAT");
   }
   if (!has_pixels || is_of_type(b, at, "IDAT")) return truncated("it ends too early");
   out->end = at;
   return SC_OK;
}

// stb_image copies what is packed into a block that doubles, has it unpacked, and makes pixels of up to four
// channels and copies of up to half as large of them.
static size_t memory_of(ScBytes b, const unsigned char *head, size_t unpacked) {
   size_t pixels = (size_t)big32(head) * big32(head + 4), made = pixels * (head[8] == 16 ? 12 : 6);
   return unpacked + (2 * b.size > made ? 2 * b.size : made);
}

ScStatus sc_image_check_png(ScBytes b, const ScImageLimits *limits, ScStbHeader *out, size_t *unpacked) {
   if (b.size < 33) return truncated("it ends too early");
   const unsigned char *head = b.data + 16;
   if (!has_name(b, 8)) return truncated("its first chunk has no name");
   if (memcmp(b.data + 12, "IHDR", 4) != 0)
      return sc_fail(SC_EFORMAT, "not a standard PNG (chunk %.4s comes first); save it again as PNG",
                     (const char *)b.data + 12);
   SC_TRY(sc_image_check_size(big32(head), big32(head + 4), limits));
   SC_TRY(bytes_of_pixels(head, unpacked));
   *out = (ScStbHeader){.width = (int)big32(head),
                        .height = (int)big32(head + 4),
                        .channels = 4,
                        .memory = memory_of(b, head, *unpacked)};
   return check_chunks(b, out);
}
