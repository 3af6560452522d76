#include "host/photo/image_format.h"

#include <stdlib.h>

#include "host/photo/budget.h"

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

ScStatus sc_image_check_memory(size_t bytes) {
   void *volatile block = malloc(bytes); // volatile: what is never used need not be asked for
   if (!block) return sc_fail(SC_EMEM, "out of memory: %zu bytes", bytes);
   free(block);
   return SC_OK;
}

ScStatus sc_photo_reserve(ScPhoto *photo, size_t pixels, size_t beside, const ScPurpose *purpose,
                          const ScImageLimits *limits) {
   enum { REST = 256 << 10 }; // what does not depend on the size
   size_t room = 0;
   if (purpose->ask_room)
      SC_TRY(purpose->ask_room(purpose->context, photo->width, photo->height, photo->shrink, &room));
   size_t bytes = pixels + (room > beside ? room : beside) + REST;
   if (!sc_budget_take(SC_BUDGET_PIXELS, bytes, limits->given_up))
      return sc_fail(SC_EINTERRUPTED, "given up while it waited for memory");
   photo->share = bytes;
   return SC_OK;
}

ScStatus sc_photo_reserve_whole(ScPhoto *photo, int width, int height, int orientation, size_t beside,
                                const ScPurpose *purpose, const ScImageLimits *limits) {
   size_t pixels = (size_t)width * (size_t)height * 3, turned = orientation > 1 ? pixels : 0;
   bool swap = orientation >= 5;
   photo->width = swap ? height : width;
   photo->height = swap ? width : height;
   photo->shrink = 1;
   if (purpose->begin) SC_TRY(purpose->begin(purpose->context, photo->width, photo->height, orientation));
   return sc_photo_reserve(photo, pixels, turned > beside ? turned : beside, purpose, limits);
}

void sc_photo_free(ScPhoto *photo) {
   sc_image_free(&photo->image);
   if (photo->share) sc_budget_give(SC_BUDGET_PIXELS, photo->share);
   *photo = (ScPhoto){0};
}
