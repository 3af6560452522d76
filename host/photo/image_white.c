#include "host/photo/image_white.h"

void sc_pixels_on_white(unsigned char *pixels, size_t count) {
   for (size_t i = 0; i < count; i++) {
      unsigned alpha = pixels[4 * i + 3];
      for (size_t c = 0; c < 3; c++) {
         unsigned t = pixels[4 * i + c] * alpha + 255 * (255 - alpha) + 128;
         pixels[3 * i + c] = (unsigned char)((t + (t >> 8)) >> 8);
      }
   }
}
