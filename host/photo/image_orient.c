#include "host/photo/image_orient.h"

#include <string.h>

#include "host/photo/tiff_directory.h"

// Some programs write the header twice, and PNG and WebP files are to have none.
static ScBytes skip_headers(ScBytes exif) {
   static const char header[6] = "Exif\0";
   while (exif.size >= sizeof header && memcmp(exif.data, header, sizeof header) == 0)
      exif = (ScBytes){exif.data + sizeof header, exif.size - sizeof header};
   return exif;
}

int sc_exif_orientation(ScBytes exif) {
   enum { ORIENTATION = 274 };
   ScTiffValue value;
   if (!sc_tiff_find(skip_headers(exif), ORIENTATION, &value)) return 0;
   uint32_t orientation = sc_tiff_number(&value);
   return orientation <= 8 ? (int)orientation : 0;
}

ScTurn sc_turn(int orientation) {
   int o = orientation;
   return (ScTurn){o >= 5, o == 2 || o == 3 || o == 6 || o == 7, o == 3 || o == 4 || o == 7 || o == 8};
}

static ScRect mirrored(const ScTurn *turn, int across, int down, ScRect r) {
   if (turn->from_right) r.x = across - r.x - r.width;
   if (turn->from_below) r.y = down - r.y - r.height;
   return r;
}

static ScRect swapped(const ScTurn *turn, ScRect r) {
   return turn->swap ? (ScRect){r.y, r.x, r.height, r.width} : r;
}

ScRect sc_turn_upright(const ScTurn *turn, int across, int down, ScRect stored) {
   return mirrored(turn, across, down, swapped(turn, stored));
}

ScRect sc_turn_stored(const ScTurn *turn, int across, int down, ScRect upright) {
   return swapped(turn, mirrored(turn, across, down, upright));
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
