// Writing PNG through stb_image_write.
#include "host/image_internal.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
// The header declares more than it defines, which is told at the end of the file.
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image_write.h>

static void append(void *file, void *bytes, int size) {
   fwrite(bytes, 1, (size_t)size, file);
}

ScStatus sc_image_write_png(const ScImage *image, FILE *file) {
   if (!image->rgb) return sc_fail(SC_EARG, "image: expected pixels to write as PNG, found an empty image");
   if (!stbi_write_png_to_func(append, file, image->width, image->height, 3, image->rgb, image->width * 3))
      return sc_fail(SC_EMEM, "out of memory while writing a PNG of %d x %d pixels", image->width,
                     image->height);
   if (ferror(file)) return sc_fail(SC_EIO, "cannot write a PNG: the disk refuses");
   return SC_OK;
}
