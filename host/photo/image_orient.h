// EXIF orientation: found, and applied to the pixels.
#ifndef SCUTE_IMAGE_ORIENT_H
#define SCUTE_IMAGE_ORIENT_H

#include "host/photo/image_format.h"

// What makes a stored picture upright: its sides exchanged, then mirrored.
typedef struct {
   bool swap, from_right, from_below; // of the upright picture
} ScTurn;

ScTurn sc_turn(int orientation);
// Where a part of the stored picture lies in the upright one, which has `across` x `down` pixels; and the way
// back.
ScRect sc_turn_upright(const ScTurn *, int across, int down, ScRect stored);
ScRect sc_turn_stored(const ScTurn *, int across, int down, ScRect upright);

// EXIF orientation 1..8; 0 where there is none or it makes no sense.
int sc_exif_orientation(ScBytes exif);
// Replaces the pixels by the upright ones.
ScStatus sc_image_orient(ScImage *, int orientation);

#endif
