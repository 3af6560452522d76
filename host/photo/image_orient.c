#include "host/photo/image_orient.h"

#include <stdlib.h>
#include <string.h>

#include <libexif/exif-data.h>
#include <libexif/exif-mem.h>

// More than a segment of 64 KB can be worth: its entries say where in it their data are, and a thousand of them
// may say the same place.
enum { MOST = 4 << 20 };

// libexif leaves out what it has no memory for and tells nobody.
static _Thread_local struct {
   size_t given;
   bool starved;
} memory;

static bool is_too_much(ExifLong bytes) {
   if (bytes > MOST - memory.given) return true;
   memory.given += bytes;
   return false;
}

static void *noted(void *block) {
   if (!block) memory.starved = true;
   return block;
}

static void *allocate(ExifLong bytes) {
   return is_too_much(bytes) ? NULL : noted(calloc(bytes ? bytes : 1, 1));
}

static void *reallocate(void *block, ExifLong bytes) {
   if (is_too_much(bytes)) return NULL;
   void *moved = realloc(block, bytes);
   return bytes ? noted(moved) : moved;
}

static ExifData *new_data(void) {
   ExifMem *memory = exif_mem_new(allocate, reallocate, free);
   ExifData *data = memory ? exif_data_new_mem(memory) : NULL;
   if (memory) exif_mem_unref(memory);
   return data;
}

// 0 where there is none.
static int find_orientation(ExifData *data) {
   ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
   if (!entry || entry->format != EXIF_FORMAT_SHORT || entry->components < 1 || entry->size < 2) return 0;
   return exif_get_short(entry->data, exif_data_get_byte_order(data));
}

ScStatus sc_exif_orientation(ScBytes segment, int *out) {
   memory.given = 0, memory.starved = false;
   ExifData *data = new_data();
   int value = 0;
   if (data) {
      exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION); // it would add and repair entries
      exif_data_load_data(data, segment.data, (unsigned)segment.size);
      value = find_orientation(data);
      exif_data_unref(data);
   }
   if (!data || (value == 0 && memory.starved))
      return sc_fail(SC_EMEM, "out of memory while reading how a photo is turned");
   *out = value >= 1 && value <= 8 ? value : 1;
   return SC_OK;
}

// Where the upright pixel (x, y) lies in the stored picture: base + x * step_x + y * step_y, in pixels.
typedef struct {
   ptrdiff_t base, step_x, step_y;
} Walk;

static Walk walk(const ScImage *stored, int orientation) {
   ptrdiff_t w = stored->width, last_x = w - 1, last_y = (stored->height - 1) * w;
   switch (orientation) {
   case 2: return (Walk){last_x, -1, w};
   case 3: return (Walk){last_y + last_x, -1, -w};
   case 4: return (Walk){last_y, 1, -w};
   case 5: return (Walk){0, w, 1};
   case 6: return (Walk){last_y, -w, 1};
   case 7: return (Walk){last_y + last_x, -w, -1};
   case 8: return (Walk){last_x, w, -1};
   default: return (Walk){0, 1, w};
   }
}

// In tiles, since one of the two pictures is walked across its rows.
static void copy_tiles(const ScImage *from, ScImage *to, Walk w) {
   enum { TILE = 32 };
   for (int y0 = 0; y0 < to->height; y0 += TILE)
      for (int x0 = 0; x0 < to->width; x0 += TILE)
         for (int y = y0; y < to->height && y < y0 + TILE; y++)
            for (int x = x0; x < to->width && x < x0 + TILE; x++)
               memcpy(to->rgb + 3 * ((size_t)y * (size_t)to->width + (size_t)x),
                      from->rgb + 3 * (w.base + x * w.step_x + y * w.step_y), 3);
}

ScStatus sc_image_orient(ScImage *image, int orientation) {
   if (orientation <= 1) return SC_OK;
   bool swap = orientation >= 5;
   ScImage upright;
   SC_TRY(sc_image_new(swap ? image->height : image->width, swap ? image->width : image->height, &upright));
   copy_tiles(image, &upright, walk(image, orientation));
   sc_image_free(image);
   *image = upright;
   return SC_OK;
}
