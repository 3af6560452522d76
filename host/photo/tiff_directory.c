#include "host/photo/tiff_directory.h"

#include <string.h>

enum { HEAD = 8, ENTRY = 12 };

// 1, 2 or 4 bytes at a place that is known to be there.
static uint32_t number(const unsigned char *at, int width, bool big_endian) {
   uint32_t n = 0;
   for (int i = 0; i < width; i++) n = n << 8 | at[big_endian ? i : width - 1 - i];
   return n;
}

// BYTE, ASCII, SHORT, LONG, a fraction, and SBYTE, UNDEFINED, SSHORT, SLONG; 0 for what is neither letters nor
// whole numbers.
static int width_of_type(uint32_t type) {
   static const unsigned char widths[] = {0, 1, 1, 2, 4, 0, 1, 1, 2, 4};
   return type < sizeof widths ? widths[type] : 0;
}

// What an entry (tag, type, count, value or its offset) says.
static bool read_value(ScBytes tiff, const unsigned char *entry, bool big, ScTiffValue *out) {
   int width = width_of_type(number(entry + 2, 2, big));
   uint64_t size = (uint64_t)number(entry + 4, 4, big) * (unsigned)width;
   uint64_t at = size <= 4 ? (uint64_t)(entry + 8 - tiff.data) : number(entry + 8, 4, big);
   if (size == 0 || at + size > tiff.size) return false;
   *out = (ScTiffValue){{tiff.data + at, (size_t)size}, width, big};
   return true;
}

bool sc_tiff_find(ScBytes tiff, unsigned tag, ScTiffValue *out) {
   bool big = tiff.size >= HEAD && memcmp(tiff.data, "MM", 2) == 0;
   if (tiff.size < HEAD || (!big && memcmp(tiff.data, "II", 2) != 0)) return false;
   uint64_t at = number(tiff.data + 4, 4, big);
   if (at + 2 > tiff.size) return false;
   uint32_t entries = number(tiff.data + at, 2, big);
   for (at += 2; entries > 0 && at + ENTRY <= tiff.size; at += ENTRY, entries--)
      if (number(tiff.data + at, 2, big) == tag && read_value(tiff, tiff.data + at, big, out)) return true;
   return false;
}

uint32_t sc_tiff_number(const ScTiffValue *value) {
   return number(value->bytes.data, value->width, value->big_endian);
}
