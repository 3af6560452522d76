// Boxes and masks as Lua has them.
#ifndef SCUTE_BIND_CROP_H
#define SCUTE_BIND_CROP_H

#include "host/bind/bind.h"
#include "host/photo/crop.h"

// Lists of boxes and masks that are about to be read.
typedef struct {
   int boxes, masks, keys; // on the stack; 0: there are none
   ScCrop *crops;          // [count]; NULL where there are neither
   int64_t count;
   uint64_t *numbers; // of masks, in order
   size_t room, used;
   const char *function;
   bool is_list;
} ScCropLists;

// Of `count` photos, out of the options at `options`:
//    boxes      list of {x, y, width, height} or false, in pixels, x and y from 0; of = {width, height} in a
//    box is
//               the size of the photo that it was drawn on
//    masks      list of {size = {height, width}, counts = text or list}, polygons {{x, y, x, y, ...}, ...}, or
//    false boxes_of   "shown" or "stored", see ScPixels outside    "mean" (of `mean`, 0..1), "black", "grey",
//    "white" or {r, g, b} of 0..255
// Pushes the memory for them. With `is_list` false they are one photo's, named box and mask.
ScCropLists sc_push_crops(lua_State *L, int options, const char *function, int64_t count, bool is_list,
                          const float mean[3]);
// Reads them; nothing of Lua's allocates meanwhile, and the texts of lists stay Lua's. NULL where there are
// neither.
const ScCrop *sc_read_crops(lua_State *L, ScCropLists *);

#endif
