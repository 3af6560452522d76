// EXIF that says how a photo is turned, in every type of number. For tests only.
#ifndef SCUTE_TESTS_EXIF_H
#define SCUTE_TESTS_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
   int orientation, tag, type, headers; // a tag of 0 means 274; how often "Exif" stands before
   bool big;
} ExifKind;

static inline void put_number(unsigned char *to, uint32_t value, int width, bool big) {
   for (int i = 0; i < width; i++) to[big ? width - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

// A directory of one entry; returns its size.
static inline size_t make_exif(ExifKind k, unsigned char out[64]) {
   static const int widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4};
   size_t at = 0;
   for (int i = 0; i < k.headers; i++, at += 6) memcpy(out + at, "Exif\0", 6);
   memset(out + at, 0, 26);
   memcpy(out + at, k.big ? "MM\0*" : "II*\0", 4);
   put_number(out + at + 4, 8, 4, k.big);
   put_number(out + at + 8, 1, 2, k.big);
   put_number(out + at + 10, k.tag ? (uint32_t)k.tag : 274, 2, k.big);
   put_number(out + at + 12, (uint32_t)k.type, 2, k.big);
   put_number(out + at + 14, 1, 4, k.big);
   if (widths[k.type] <= 4) put_number(out + at + 18, (uint32_t)k.orientation, widths[k.type], k.big);
   return at + 26;
}

#endif
