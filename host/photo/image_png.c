// Writing PNG through stb_image_write, and packing through zlib: the packing of the former asserts that there
// is memory, and writes on where there is none.
#include "host/photo/image_png.h"

#include <stdlib.h>

#include <zlib.h>

static _Thread_local unsigned char *packed; // stb_image_write forgets it where memory ends behind it

static unsigned char *pack(unsigned char *rows, int size, int *packed_size, int level) {
   enum { LEVEL = 5 }; // faster than what it stands for, and smaller
   uLongf length = compressBound((uLong)size);
   (void)level;
   packed = malloc(length);
   if (packed && compress2(packed, &length, rows, (uLong)size, LEVEL) != Z_OK) {
      free(packed);
      packed = NULL;
   }
   *packed_size = (int)length;
   return packed;
}

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x)     (void)0 // the core never aborts
#define STBIW_ZLIB_COMPRESS pack
// The header declares more than it defines, which is told at the end of the file.
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image_write.h>

ScStatus sc_image_encode_png(const ScImage *image, unsigned char **png, size_t *size) {
   if (!image->rgb) return sc_fail(SC_EARG, "image: expected pixels to write as PNG, found an empty image");
   int length = 0;
   packed = NULL;
   *png = stbi_write_png_to_mem(image->rgb, image->width * 3, image->width, image->height, 3, &length);
   if (!*png) {
      free(packed);
      return sc_fail(SC_EMEM, "out of memory while writing a PNG of %d x %d pixels", image->width,
                     image->height);
   }
   *size = (size_t)length;
   return SC_OK;
}
