// The way of polygons into pixels is that of pycocotools (common/maskApi.c, rleFrPoly), without its lists of
// all points: what a column's outline crosses is marked as it is met.
#include "host/photo/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is drawn on: the part of the photo, column by column.
typedef struct {
   const ScRect *part;
   int width, height; // of the photo
   unsigned char *out;
} Ground;

size_t sc_mask_bytes(const ScMask *mask) {
   return mask->count * (mask->kind == SC_MASK_TEXT ? 1 : 8);
}

// ---- runs ----

typedef struct {
   Ground ground;
   int64_t at, total; // pixels that are behind, of how many
   bool inside;       // whether the next run is
} Runs;

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
   return a > b ? a : b;
}

// The pixels number `from` to `to`, without the last.
static void fill(const Ground *g, int64_t from, int64_t to) {
   const ScRect *p = g->part;
   int64_t height = g->height;
   from = most(from, p->x * height);
   to = least(to, (p->x + p->width) * height);
   while (from < to) {
      int64_t column = from / height, end = least(to, (column + 1) * height);
      int64_t top = most(from - column * height, p->y), below = least(end - column * height, p->y + p->height);
      if (top < below)
         memset(g->out + (size_t)(column - p->x) * (size_t)p->height + (size_t)(top - p->y), 1,
                (size_t)(below - top));
      from = end;
   }
}

static ScStatus add_run(Runs *r, int64_t length) {
   if (length < 0 || length > r->total - r->at)
      return sc_fail(SC_EFORMAT, "the mask has a run of %lld pixels where %lld are left", (long long)length,
                     (long long)(r->total - r->at));
   if (r->inside) fill(&r->ground, r->at, r->at + length);
   r->at += length;
   r->inside = !r->inside;
   return SC_OK;
}

static ScStatus check_end(const Runs *r) {
   if (r->at == r->total) return SC_OK;
   return sc_fail(SC_EFORMAT, "the mask is cut off: it ends after %lld of %lld pixels", (long long)r->at,
                  (long long)r->total);
}

static ScStatus draw_counts(Runs *r, const int64_t *counts, size_t n) {
   for (size_t i = 0; i < n; i++) SC_TRY(add_run(r, counts[i]));
   return check_end(r);
}

// ---- runs as a text: five bits a character, the lowest first, 32 where more follow; from the fourth number on
// the difference to the one before the last ----

enum { ZERO = 48, BITS = 5, MORE = 32, SIGN = 16, LARGEST_SHIFT = 6 * BITS };

static ScStatus read_number(const unsigned char *text, size_t n, size_t *at, int64_t *out) {
   int64_t value = 0;
   for (int shift = 0;; shift += BITS) {
      if (*at == n) return sc_fail(SC_EFORMAT, "the mask is cut off: it ends within a number");
      unsigned digit = text[*at] - (unsigned)ZERO;
      if (digit >= 2 * MORE)
         return sc_fail(SC_EFORMAT, "the mask has the byte %d at place %zu, which none has", text[*at],
                        *at + 1);
      if (shift > LARGEST_SHIFT)
         return sc_fail(SC_EFORMAT, "the mask has a number that no photo is large enough for");
      ++*at;
      value |= (int64_t)(digit & (MORE - 1)) << shift;
      if (digit & MORE) continue;
      *out = digit & SIGN ? value - ((int64_t)1 << (shift + BITS)) : value;
      return SC_OK;
   }
}

static ScStatus draw_text(Runs *r, const unsigned char *text, size_t n) {
   int64_t before[2] = {0};
   size_t at = 0;
   for (size_t i = 0; at < n; i++) {
      int64_t value;
      SC_TRY(read_number(text, n, &at, &value));
      if (i > 2) value += before[i % 2];
      SC_TRY(add_run(r, value));
      before[i % 2] = value;
   }
   return check_end(r);
}

static size_t put_number(int64_t value, unsigned char *out) {
   size_t n = 0;
   for (bool more = true; more;) {
      unsigned digit = (unsigned)(value & (MORE - 1));
      value >>= BITS;
      more = digit & SIGN ? value != -1 : value != 0;
      out[n++] = (unsigned char)(ZERO + digit + (more ? MORE : 0));
   }
   return n;
}

size_t sc_mask_text(const int64_t *runs, size_t count, unsigned char *out) {
   size_t n = 0;
   for (size_t i = 0; i < count; i++) {
      uint64_t value = (uint64_t)runs[i] - (i > 2 ? (uint64_t)runs[i - 2] : 0); // wraps where runs are none
      n += put_number((int64_t)value, out + n);
   }
   return n;
}

// ---- polygons ----

// The outline is walked in fifths of a pixel; all outlines of a mask may have as many steps as take a fraction
// of a second, hundreds of times what one around a whole photo has.
enum { SCALE = 5, CORNERS = 3, MOST_STEPS = 50 * 1000 * 1000 };
enum { INSIDE = 1, CROSSED = 2 };

typedef struct {
   Ground ground;
   int64_t steps;
   int u, v; // the point before
   bool begun;
} Outline;

typedef struct {
   int x, y;
} Corner;

// Below the point where an outline goes from one column of pixels to the next one, in is out and out is in.
static void cross(Outline *o, int u, int v) {
   const ScRect *p = o->ground.part;
   int left = (u < o->u ? u : o->u) - SCALE / 2; // of the middle of a column
   if (left < 0 || left % SCALE != 0) return;
   int x = left / SCALE;
   if (x < p->x || x >= p->x + p->width) return;
   double y = ((v < o->v ? v : o->v) + 0.5) / SCALE - 0.5;
   y = ceil(y < 0 ? 0 : y > o->ground.height ? o->ground.height : y);
   if (y >= p->y + p->height) return;
   int row = y < p->y ? 0 : (int)y - p->y;
   o->ground.out[(size_t)(x - p->x) * (size_t)p->height + (size_t)row] ^= CROSSED;
}

static void visit(Outline *o, int u, int v) {
   if (o->begun && u != o->u) cross(o, u, v);
   o->begun = true;
   o->u = u, o->v = v;
}

// All points from one corner to the next. They are reckoned from the lower end of the longer direction on, and
// visited in the order of the outline.
static void walk(Outline *o, Corner from, Corner to) {
   int dx = abs(to.x - from.x), dy = abs(to.y - from.y), longer = dx >= dy ? dx : dy;
   bool flat = dx >= dy, back = flat ? from.x > to.x : from.y > to.y;
   Corner a = back ? to : from, b = back ? from : to;
   double slope = longer == 0 ? 0 : (double)(flat ? b.y - a.y : b.x - a.x) / longer;
   for (int d = 0; d <= longer; d++) {
      int t = back ? longer - d : d;
      if (flat)
         visit(o, a.x + t, (int)(a.y + slope * t + .5));
      else
         visit(o, (int)(a.x + slope * t + .5), a.y + t);
   }
}

static void fill_crossed(const Ground *g) {
   for (int x = 0; x < g->part->width; x++) {
      unsigned char *column = g->out + (size_t)x * (size_t)g->part->height, crossed = 0;
      for (int y = 0; y < g->part->height; y++) {
         crossed ^= column[y] & CROSSED;
         column[y] = (unsigned char)((column[y] & INSIDE) | crossed / CROSSED);
      }
   }
}

// A corner in fifths of a pixel; it lies at most one photo's width or height beside it.
static ScStatus corner_of(const Ground *g, const double *xy, Corner *out) {
   double x = xy[0], y = xy[1];
   if (!(x >= -(double)g->width && x <= 2.0 * g->width && y >= -(double)g->height && y <= 2.0 * g->height))
      return sc_fail(SC_EFORMAT,
                     "the mask has a corner at (%g, %g), far outside of the photo, which has %d x %d pixels", x,
                     y, g->width, g->height);
   *out = (Corner){(int)(SCALE * x + .5), (int)(SCALE * y + .5)};
   return SC_OK;
}

static ScStatus draw_polygon(const Ground *g, const double *numbers, size_t n, int64_t *steps) {
   if (n % 2 != 0 || n < 2 * CORNERS)
      return sc_fail(SC_EFORMAT,
                     "the mask has a polygon of %zu numbers; expected x and y of at least %d corners", n,
                     CORNERS);
   Outline o = {.ground = *g};
   Corner first, last, next;
   SC_TRY(corner_of(g, numbers, &first));
   last = first;
   for (size_t i = 2; i <= n; i += 2) {
      if (i < n)
         SC_TRY(corner_of(g, numbers + i, &next));
      else
         next = first;
      *steps += most(abs(next.x - last.x), abs(next.y - last.y)) + 1;
      if (*steps > MOST_STEPS)
         return sc_fail(SC_EFORMAT, "the mask's outline is longer than that of any animal");
      walk(&o, last, next);
      last = next;
   }
   fill_crossed(g);
   return SC_OK;
}

static ScStatus draw_polygons(const Ground *g, const double *numbers, size_t n) {
   int64_t steps = 0;
   if (n == 0) return sc_fail(SC_EFORMAT, "the mask has no polygon");
   for (size_t at = 0; at < n;) {
      double length = numbers[at++];
      if (!(length >= 0 && length <= (double)(n - at)))
         return sc_fail(SC_EFORMAT, "the mask has a polygon of %g numbers where %zu are left", length, n - at);
      SC_TRY(draw_polygon(g, numbers + at, (size_t)length, &steps));
      at += (size_t)length;
   }
   return SC_OK;
}

// ---- entry ----

ScStatus sc_mask_draw(const ScMask *mask, int width, int height, const ScRect *part, unsigned char *out) {
   Ground ground = {part, width, height, out};
   memset(out, 0, (size_t)part->width * (size_t)part->height);
   if (mask->kind == SC_MASK_POLYGONS) return draw_polygons(&ground, mask->data, mask->count);
   if (mask->width != width || mask->height != height)
      return sc_fail(SC_EFORMAT, "the mask is of a photo of %lld x %lld pixels, and this one has %d x %d",
                     (long long)mask->width, (long long)mask->height, width, height);
   Runs runs = {.ground = ground, .total = (int64_t)width * height};
   return mask->kind == SC_MASK_TEXT ? draw_text(&runs, mask->data, mask->count)
                                     : draw_counts(&runs, mask->data, mask->count);
}
