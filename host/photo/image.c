#include "host/photo/image.h"

#include <stdlib.h>
#include <string.h>

ScStatus sc_image_new(int width, int height, ScImage *out) {
   *out = (ScImage){0};
   if (width < 1 || height < 1)
      return sc_fail(SC_EARG, "image: expected at least 1 x 1 pixels, found %d x %d", width, height);
   size_t bytes = (size_t)width * (size_t)height * 3;
   unsigned char *rgb = malloc(bytes + SC_IMAGE_SLACK);
   if (!rgb) return sc_fail(SC_EMEM, "out of memory: %d x %d pixels need %zu bytes", width, height, bytes);
   memset(rgb + bytes, 0, SC_IMAGE_SLACK);
   *out = (ScImage){width, height, rgb};
   return SC_OK;
}

void sc_image_free(ScImage *image) {
   free(image->rgb);
   *image = (ScImage){0};
}
