// Which pixels of a photo are those of an animal, as files in COCO's form say it.
#ifndef SCUTE_MASK_H
#define SCUTE_MASK_H

#include "host/photo/image.h"

typedef enum {
   SC_MASK_NONE,
   SC_MASK_TEXT,     // runs of pixels column by column, the first outside, compressed as a text
   SC_MASK_COUNTS,   // the same as numbers
   SC_MASK_POLYGONS, // outlines; the mask is all that lies in one of them
} ScMaskKind;

// As it stands in the file: nothing of it has been looked into.
typedef struct {
   ScMaskKind kind;
   int64_t width, height; // of the photo that it was drawn on; 0 of polygons, which do not say it
   const void *data; // characters; int64_t; or double: of each polygon how many numbers it has, then these,
                     // x and y of one corner after the other
   size_t count;     // of these
} ScMask;

// Bytes of its data.
size_t sc_mask_bytes(const ScMask *);

// For each pixel of `part` of a photo of that size 1 where the mask is, else 0, column by column: `out` has
// part->width * part->height bytes. Which pixels they are is what pycocotools 2.0 says. SC_EFORMAT tells what
// is wrong with it, whatever its data is; a mask that says of which size its photo is must be of one of this
// size.
ScStatus sc_mask_draw(const ScMask *, int width, int height, const ScRect *part, unsigned char *out);

// The text of runs given as numbers, a byte of `out` after the other; it has room for SC_MASK_DIGITS * count.
enum { SC_MASK_DIGITS = 13 };
size_t sc_mask_text(const int64_t *runs, size_t count, unsigned char *out);

#endif
