// Writing PNG through stb_image_write.
#include "host/photo/image_png.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
// The header declares more than it defines, which is told at the end of the file.
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image_write.h>

ScStatus sc_image_encode_png(const ScImage *image, unsigned char **png, size_t *size) {
   if (!image->rgb) return sc_fail(SC_EARG, "image: expected pixels to write as PNG, found an empty image");
   int length = 0;
   *png = stbi_write_png_to_mem(image->rgb, image->width * 3, image->width, image->height, 3, &length);
   if (!*png)
      return sc_fail(SC_EMEM, "out of memory while writing a PNG of %d x %d pixels", image->width,
                     image->height);
   *size = (size_t)length;
   return SC_OK;
}
