#include "host/photo/image_format.h"

const ScImageLimits sc_image_limits = {.max_pixels = 100 * 1000 * 1000, .max_bytes = 512 << 20};

ScStatus sc_image_check_size(int64_t width, int64_t height, const ScImageLimits *limits) {
   if (width < 1 || height < 1)
      return sc_fail(SC_EFORMAT, "the header states %lld x %lld pixels, expected at least 1 x 1",
                     (long long)width, (long long)height);
   if (width > INT32_MAX / 3 || height > INT32_MAX / 3 || width > limits->max_pixels / height)
      return sc_fail(SC_EFORMAT,
                     "%lld x %lld pixels are more than the limit of %.6g megapixels; scale it down first",
                     (long long)width, (long long)height, (double)limits->max_pixels / 1e6);
   return SC_OK;
}
