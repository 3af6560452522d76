#include "host/photo/area.h"

#include <math.h>

ScBox sc_area_decoded(const ScPhoto *photo, const ScRect *area) {
   double unit = 1.0 / photo->shrink;
   return (ScBox){photo->left + area->x * unit, photo->top + area->y * unit, area->width * unit,
                  area->height * unit};
}

ScRect sc_area_touched(const ScBox *box) {
   int x = (int)floor(box->x), y = (int)floor(box->y);
   return (ScRect){x, y, (int)ceil(box->x + box->width) - x, (int)ceil(box->y + box->height) - y};
}

// From `start` on `length` pixels, as far as they lie between `from` and `behind`.
static void keep_inside(int *start, int *length, int from, int behind) {
   int end = *start + *length < behind ? *start + *length : behind;
   if (*start < from) *start = from;
   if (*start >= behind) *start = behind - 1;
   *length = end > *start ? end - *start : 1;
}

ScRect sc_area_inside(const ScRect *area, const ScRect *around) {
   ScRect found = *area;
   keep_inside(&found.x, &found.width, around->x, around->x + around->width);
   keep_inside(&found.y, &found.height, around->y, around->y + around->height);
   return found;
}
