// The part of a photo that a sample is of: a box around an animal, and a mask of the pixels that are the
// animal.
//
// A box is cut out as Pillow's crop() does it: its edges are rounded to whole pixels, half to even. What
// reaches beyond the photo is cut off there.
#ifndef SCUTE_CROP_H
#define SCUTE_CROP_H

#include "host/photo/image_format.h"
#include "host/photo/image_resize.h"
#include "host/photo/mask.h"

// Of which picture the coordinates are, where a photo is stored lying down and turned by its EXIF orientation.
// (wildlife-datasets reads photos with OpenCV, which turns them, and crops what it then has; who opens them
// with Pillow and nothing else has boxes of the stored picture.)
typedef enum {
   SC_PIXELS_TOLD, // the one that has the size which the annotation says; else the one that is shown
   SC_PIXELS_SHOWN,
   SC_PIXELS_STORED,
} ScPixels;

// All zero: the whole photo.
typedef struct {
   bool has_box;
   ScBox box;             // x and y from 0
   int64_t width, height; // of the photo that the box was drawn on; 0: it is not said
   ScMask mask;
   ScPixels pixels;
   unsigned char outside[3]; // RGB of what is not in the mask
} ScCrop;

bool sc_crop_is_none(const ScCrop *); // NULL is none

// What is said of a photo whose box reaches beyond it.
#define SC_BOX_IS_CUT "the box reaches beyond the photo and is cut off at its edge"

typedef ScStatus (*ScDecode)(const char *path, const ScImageLimits *, const ScPurpose *, ScPhoto *out);

// What `decode` makes of the file, for that purpose, as if the photo ended at the edges of the box: width,
// height and everything that the purpose hears of are the box's. Of a JPEG only that part is decoded. `is_cut`
// tells whether the box reaches beyond the photo by more than a pixel. SC_EFORMAT, which names the file, where
// box or mask do not belong to the photo, or nothing is left.
ScStatus sc_crop_decode(ScDecode decode, const char *path, const ScImageLimits *, const ScPurpose *,
                        const ScCrop *, ScPhoto *out, bool *is_cut);

#endif
