#include "host/photo/image_transform.h"

#include <math.h>
#include <string.h>

#include "host/photo/image_format.h"

// Along one axis of a center crop: `count` pixels from `start` of the image go to `pad` of the crop.
typedef struct {
   int start, count, pad;
} Span;

static Span center(int length, int crop) {
   if (crop > length) return (Span){0, length, (crop - length) / 2};
   int half = (length - crop) / 2;
   if ((length - crop) % 2 != 0) half += half % 2; // Python rounds k + 0.5 to the even neighbour
   return (Span){half, crop, 0};
}

static ScStatus check_pixels(const ScImage *image) {
   return image->rgb ? SC_OK : sc_fail(SC_EARG, "image: expected pixels, found an empty image");
}

static ScStatus check_filter(ScFilter filter) {
   if (filter == SC_BILINEAR || filter == SC_BICUBIC) return SC_OK;
   return sc_fail(SC_EARG, "filter: expected bilinear or bicubic, found number %d", (int)filter);
}

// What Resize(size) makes of an image's width and height.
static ScStatus resized(const ScImage *image, int size, int *width, int *height) {
   bool tall = image->width <= image->height;
   int64_t less = tall ? image->width : image->height, more = tall ? image->height : image->width;
   int64_t longer = size * more / less;
   if (longer > INT32_MAX / 3)
      return sc_fail(SC_EARG, "resize: %d x %d pixels with a short side of %d would be %lld pixels long",
                     image->width, image->height, size, (long long)longer);
   *width = tall ? size : (int)longer;
   *height = tall ? (int)longer : size;
   return SC_OK;
}

ScStatus sc_image_resize_to(const ScImage *image, int width, int height, ScFilter filter, ScImage *out) {
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   SC_TRY(check_filter(filter));
   if (width < 1 || height < 1 || (int64_t)width * height > sc_image_limits.max_pixels)
      return sc_fail(SC_EARG, "resize: expected 1 x 1 to %lld pixels, found %d x %d",
                     (long long)sc_image_limits.max_pixels, width, height);
   ScWindow whole = {width, height, 0, 0, width, height};
   return sc_image_resize_window(image, &whole, filter, out);
}

ScStatus sc_image_resize(const ScImage *image, int size, ScFilter filter, ScImage *out) {
   int width = 0, height = 0;
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   if (size < 1) return sc_fail(SC_EARG, "resize: expected at least 1 pixel, found %d", size);
   SC_TRY(resized(image, size, &width, &height));
   return sc_image_resize_to(image, width, height, filter, out);
}

ScStatus sc_image_resized_crop(const ScImage *image, const ScRect *crop, int width, int height, ScFilter filter,
                               ScImage *out) {
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   SC_TRY(check_filter(filter));
   if (crop->x < 0 || crop->y < 0 || crop->width < 1 || crop->height < 1 ||
       crop->width > image->width - crop->x || crop->height > image->height - crop->y)
      return sc_fail(SC_EARG,
                     "crop: %d x %d pixels from column %d and row %d on are not inside an image of %d x %d",
                     crop->width, crop->height, crop->x + 1, crop->y + 1, image->width, image->height);
   if (width < 1 || height < 1 || (int64_t)width * height > sc_image_limits.max_pixels)
      return sc_fail(SC_EARG, "resized_crop: expected 1 x 1 to %lld pixels, found %d x %d",
                     (long long)sc_image_limits.max_pixels, width, height);
   ScBox box = {crop->x, crop->y, crop->width, crop->height};
   return sc_image_resize_part(image, crop, &box, width, height, filter, out);
}

// `part` in the middle of a black or white image.
static void place(const ScImage *part, ScImage *out, int x, int y, int background) {
   size_t pitch = (size_t)out->width * 3, bytes = (size_t)part->width * 3;
   memset(out->rgb, background, pitch * (size_t)out->height);
   for (int row = 0; row < part->height; row++)
      memcpy(out->rgb + (size_t)(y + row) * pitch + (size_t)x * 3, part->rgb + (size_t)row * bytes, bytes);
}

static int longer(int width, int height) {
   return width > height ? width : height;
}

ScStatus sc_image_check_square(int width, int height) {
   int64_t side = longer(width, height);
   if (side * side <= sc_image_limits.max_pixels * 4) return SC_OK;
   return sc_fail(SC_EARG, "pad_square: a square of %lld pixels is too large", (long long)side);
}

ScStatus sc_image_pad_square(const ScImage *image, ScImage *out) {
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   SC_TRY(sc_image_check_square(image->width, image->height));
   int side = longer(image->width, image->height);
   SC_TRY(sc_image_new(side, side, out));
   place(image, out, (side - image->width) / 2, (side - image->height) / 2, 255);
   return SC_OK;
}

// The center crop (0: none) of the image resized to (to_width, to_height).
static ScStatus resize_and_crop(const ScImage *image, int to_width, int to_height, int crop, ScFilter filter,
                                ScImage *out) {
   Span h = center(to_width, crop ? crop : to_width), v = center(to_height, crop ? crop : to_height);
   ScWindow window = {to_width, to_height, h.start, v.start, h.count, v.count};
   ScImage part;
   if (!crop || (h.count == crop && v.count == crop))
      return sc_image_resize_window(image, &window, filter, out);
   SC_TRY(sc_image_resize_window(image, &window, filter, &part));
   ScStatus status = sc_image_new(crop, crop, out);
   if (!status) place(&part, out, h.pad, v.pad, 0);
   sc_image_free(&part);
   return status;
}

ScStatus sc_image_center_crop(const ScImage *image, int size, ScImage *out) {
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   if (size < 1 || (int64_t)size * size > sc_image_limits.max_pixels)
      return sc_fail(SC_EARG, "crop: expected 1 to 10000 pixels, found %d", size);
   return resize_and_crop(image, image->width, image->height, size, SC_BILINEAR, out);
}

ScStatus sc_preprocess_check(const ScPreprocess *p) {
   if (p->resize < 0 || p->resize > 10000)
      return sc_fail(SC_EARG, "resize: expected 0 (leave the size) to 10000 pixels, found %d", p->resize);
   if (p->crop < 0 || p->crop > 10000)
      return sc_fail(SC_EARG, "crop: expected 0 (do not crop) to 10000 pixels, found %d", p->crop);
   for (int c = 0; c < 3; c++) {
      if (!(p->std[c] > 0 && isfinite(p->std[c])))
         return sc_fail(SC_EARG, "std: expected finite numbers above 0, found %g", p->std[c]);
      if (!isfinite(p->mean[c])) return sc_fail(SC_EARG, "mean: expected finite numbers, found %g", p->mean[c]);
   }
   return check_filter(p->filter);
}

static ScStatus fit(const ScImage *image, const ScPreprocess *p, ScImage *out) {
   int width = image->width, height = image->height;
   if (p->resize) SC_TRY(resized(image, p->resize, &width, &height));
   if (!p->crop && (int64_t)width * height > sc_image_limits.max_pixels)
      return sc_fail(SC_EARG, "resize: %d x %d pixels are too many; give a crop as well", width, height);
   return resize_and_crop(image, width, height, p->crop, p->filter, out);
}

ScStatus sc_image_preprocess(const ScImage *image, const ScPreprocess *p, ScImage *out) {
   *out = (ScImage){0};
   SC_TRY(check_pixels(image));
   SC_TRY(sc_preprocess_check(p));
   if (!p->pad_square || image->width == image->height) return fit(image, p, out);
   ScImage square;
   SC_TRY(sc_image_pad_square(image, &square));
   ScStatus status = fit(&square, p, out);
   sc_image_free(&square);
   return status;
}

void sc_image_to_float(const ScImage *image, const float mean[3], const float std[3], float *out) {
   float table[3][256];
   for (int c = 0; c < 3; c++)
      for (int v = 0; v < 256; v++) table[c][v] = ((float)v / 255.0f - mean[c]) / std[c];
   size_t pixels = (size_t)image->width * (size_t)image->height;
   for (size_t i = 0; i < pixels; i++)
      for (int c = 0; c < 3; c++) out[3 * i + c] = table[c][image->rgb[3 * i + c]];
}
