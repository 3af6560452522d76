// What a photo is known again by, whatever the bytes of its file are.
#ifndef SCUTE_LOOK_H
#define SCUTE_LOOK_H

#include "host/photo/image_format.h"

// The parts of a photo that are seen from afar: a grid of so many by so many, three channels each.
enum { SC_LOOK_GRID = 3, SC_LOOK_PARTS = 3 * SC_LOOK_GRID * SC_LOOK_GRID };

typedef struct {
   int width, height;                  // of the whole photo, upright
   int shrink;                         // what part of its size it was decoded at; see ScPhoto
   uint32_t pixels;                    // CRC-32 of all of them, where it was decoded whole; else 0
   unsigned char parts[SC_LOOK_PARTS]; // the mean of each: nearly the same at whatever size it is decoded
} ScLook;

void sc_look_at(const ScPhoto *, ScLook *out);

#endif
