// Gradients of filters as products over the pixels of the output (see filter_gradient.h), for one width of
// numbers and one kind of processor. Whoever includes this has said before what a Number of x, of dy and of the
// gradient is, what Word the products see (one number, or those at the same place of PER_WORD images), HIGH,
// WIDE and PIXELS, and has `pack`, `multiply` and `store`.
//
// HIGH output channels are computed together with WIDE input channels, so that all sums stay in registers, over
// about PIXELS output pixels, whose packed numbers stay in the caches.
#ifndef SCUTE_CPU_FILTER_GRADIENT_LOOPS_H
#define SCUTE_CPU_FILTER_GRADIENT_LOOPS_H

#include <omp.h>

#include "kernels/cpu/filter_gradient_way.h"

enum { GROUP = 8 };                     // blocks of output channels that a thread computes at a time, at most
enum { EACH = 4 };                      // units of work that each thread should find
enum { MOST_IN_WINDOW = 256, FEW = 8 }; // windows that are packed at a time
enum { MOST_IN_ROW = 32 };              // of a window

typedef struct {
   const ScFilterGradient *z;
   ScConv g;                  // as the products see it: x is what was packed, n words deep
   int64_t in, out;           // blocks of input and of output channels
   int64_t group;             // blocks of output channels in a unit of work
   int64_t down, across;      // from a packed pixel to the next, in x
   int64_t line;              // of windows, a row of x with what lies beside it; else 0
   int64_t many, rows;        // words of images and output rows of a chunk
   int64_t in_rows;           // input rows of a chunk, at most
   int64_t x_block, dy_block; // from one block to the next
   Word *x;                   // (in, many, in_rows, W, WIDE)
   Word *dy;                  // (out, many, rows, OW, HIGH)
   Word *lines; // (threads), each (KH, line) and MOST_IN_ROW: the last window is read past its end
   float *sums; // (KH, KW, in, out, HIGH, WIDE)
} Work;

typedef struct {
   int64_t image, images, row, rows, in_row, in_rows; // images are words of them
} Chunk;

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
   return a > b ? a : b;
}

static int64_t blocks_of(int64_t n, int64_t block) {
   return (n + block - 1) / block;
}

// ---- packing ----

// The images that a word is made of; the second may be absent.
typedef struct {
   const Number *a, *b;
} Images;

static Images images_at(const Work *w, const void *data, int64_t image, int64_t size) {
   const Number *a = (const Number *)data + PER_WORD * image * size;
   return (Images){a, PER_WORD * image + 1 < w->z->g.n ? a + size : NULL};
}

// Pixels of `channels`, each `step` of them from the one before, from number `at` on. What a last block lacks
// is zero.
SC_INLINE void pack_pixels(Word *to, int64_t apart, Images from, int64_t at, int64_t pixels, int64_t step,
                           int64_t channels, int64_t block) {
   for (int64_t p = 0; p < pixels; p++, at += step * channels, to += block)
      for (int64_t c = 0; c < channels; c += block) {
         Word *of_block = to + c / block * apart;
         const Number *a = from.a + at + c, *b = from.b ? from.b + at + c : NULL;
         if (c + block <= channels) {
            pack(of_block, a, b, block);
         } else {
            memset(of_block, 0, (size_t)block * sizeof *of_block);
            pack(of_block, a, b, channels - c);
         }
      }
}

static void pack_x(const Work *w, int64_t image, int64_t row, Word *to) {
   const ScConv *g = &w->z->g;
   Images from = images_at(w, w->z->x, image, g->h * g->w * g->c);
   pack_pixels(to, w->x_block, from, row * w->down * g->w * g->c, w->g.w, w->across, g->c, WIDE);
}

static void pack_dy(const Work *w, int64_t image, int64_t row, Word *to) {
   const ScConv *g = &w->z->g;
   Images from = images_at(w, w->z->dy, image, g->oh * g->ow * g->o);
   pack_pixels(to, w->dy_block, from, row * g->ow * g->o, g->ow, 1, g->o, HIGH);
}

static int64_t lines_of_thread(const Work *w) {
   return w->z->g.kh * w->line + MOST_IN_ROW;
}

// The rows below a row of windows, with what lies beside them, which is zero.
static void pack_lines(const Work *w, int64_t image, int64_t row, Word *lines) {
   const ScConv *g = &w->z->g;
   int64_t width = g->w * g->c;
   Images from = images_at(w, w->z->x, image, g->h * width);
   memset(lines, 0, (size_t)(g->kh * w->line) * sizeof *lines);
   for (int64_t y = 0; y < g->kh; y++) {
      int64_t at = (row * g->sh - g->ph + y) * width;
      if (at >= 0 && at < g->h * width)
         pack(lines + y * w->line + g->pw * g->c, from.a + at, from.b ? from.b + at : NULL, width);
   }
}

// All that the windows of a row of output pixels hold, as if these were the channels of a pixel. FEW at a time,
// since what was written just before in other pieces is slow to read. What is past a window is not used.
static void pack_windows(const Work *w, int64_t image, int64_t row, Word *to) {
   const ScConv *g = &w->z->g;
   Word *lines = w->lines + omp_get_thread_num() * lines_of_thread(w),
        windows[FEW][MOST_IN_WINDOW + MOST_IN_ROW] = {0};
   pack_lines(w, image, row, lines);
   for (int64_t x = 0; x < g->ow; x += FEW) {
      int64_t n = least(FEW, g->ow - x);
      for (int64_t y = 0; y < g->kh; y++)
         for (int64_t i = 0; i < n; i++)
            memcpy(windows[i] + y * g->kw * g->c, lines + y * w->line + (x + i) * g->sw * g->c,
                   MOST_IN_ROW * sizeof(Word));
      for (int64_t i = 0; i < n; i++)
         for (int64_t b = 0; b < w->in; b++)
            memcpy(to + b * w->x_block + (x + i) * WIDE, windows[i] + b * WIDE, WIDE * sizeof(Word));
   }
}

// ---- products: (HIGH, pixels) x (pixels, WIDE) ----

// The output places from *first to before *end below which there is an input at `tap` of the window.
static void reach(int64_t *first, int64_t *end, int64_t tap, int64_t size, int64_t stride, int64_t padding) {
   int64_t outside = padding - tap, reached = size + outside;
   *first = most(*first, outside > 0 ? blocks_of(outside, stride) : 0);
   *end = most(*first, least(*end, reached > 0 ? blocks_of(reached, stride) : 0));
}

// A tap of the filters, a block of input channels, and a group of blocks of output channels.
static void run_unit(const Work *w, Chunk k, int64_t unit) {
   const ScConv *g = &w->g;
   int64_t groups = blocks_of(w->out, w->group), place = unit / groups, block = place % w->in,
           tap = place / w->in;
   int64_t ky = tap / g->kw * g->dh, kx = tap % g->kw * g->dw;
   int64_t top = k.row, bottom = k.row + k.rows, left = 0, right = g->ow;
   reach(&top, &bottom, ky, g->h, g->sh, g->ph);
   reach(&left, &right, kx, g->w, g->sw, g->pw);
   ScWalk walk = {.images = k.images,
                  .rows = bottom - top,
                  .columns = right - left,
                  .x_image = w->in_rows * g->w * WIDE,
                  .x_row = g->sh * g->w * WIDE,
                  .x_pixel = g->sw * WIDE,
                  .dy_image = w->rows * g->ow * HIGH,
                  .dy_row = g->ow * HIGH};
   int64_t row = top * g->sh - g->ph + ky - k.in_row, column = left * g->sw - g->pw + kx;
   const Word *x = w->x + block * w->x_block + (row * g->w + column) * WIDE;
   const Word *dy = w->dy + ((top - k.row) * g->ow + left) * HIGH;
   int64_t from = unit % groups * w->group;
   for (int64_t o = from; o < least(from + w->group, w->out); o++)
      multiply(&walk, x, dy + o * w->dy_block, w->sums + (place * w->out + o) * HIGH * WIDE,
               k.image == 0 && k.row == 0);
}

// ---- a chunk ----

static Chunk chunk_at(const Work *w, int64_t image, int64_t row) {
   const ScConv *g = &w->g;
   Chunk k = {.image = image, .images = least(w->many, g->n - image), .row = row};
   k.rows = least(w->rows, g->oh - row);
   k.in_row = most(0, row * g->sh - g->ph);
   int64_t last = (row + k.rows - 1) * g->sh - g->ph + (g->kh - 1) * g->dh;
   k.in_rows = most(0, least(g->h, last + 1) - k.in_row);
   return k;
}

static void pack_input_row(const Work *w, Chunk k, int64_t index) {
   int64_t image = index / k.in_rows, row = index % k.in_rows;
   Word *to = w->x + (image * w->in_rows + row) * w->g.w * WIDE;
   (w->line > 0 ? pack_windows : pack_x)(w, k.image + image, k.in_row + row, to);
}

static void pack_output_row(const Work *w, Chunk k, int64_t index) {
   int64_t image = index / k.rows, row = index % k.rows;
   pack_dy(w, k.image + image, k.row + row, w->dy + (image * w->rows + row) * w->g.ow * HIGH);
}

static int64_t units_of(const Work *w, int64_t group) {
   return w->g.kh * w->g.kw * w->in * blocks_of(w->out, group);
}

static void run_chunk(const Work *w, Chunk k) {
   int64_t units = units_of(w, w->group);
#pragma omp parallel
   {
#pragma omp for schedule(dynamic) nowait
      for (int64_t i = 0; i < k.images * k.in_rows; i++) pack_input_row(w, k, i);
#pragma omp for schedule(dynamic)
      for (int64_t i = 0; i < k.images * k.rows; i++) pack_output_row(w, k, i);
#pragma omp for schedule(dynamic)
      for (int64_t unit = 0; unit < units; unit++) run_unit(w, k, unit);
   }
}

// ---- all of it ----

static void write_filter(const Work *w, int64_t o) {
   const ScConv *g = &w->g;
   for (int64_t place = 0; place < g->kh * g->kw * w->in; place++) {
      int64_t tap = place / w->in, c = place % w->in * WIDE, n = least(WIDE, g->c - c);
      const float *from = w->sums + (place * w->out * HIGH + o) * WIDE;
      store((Number *)w->z->gradient + (o * g->kh * g->kw + tap) * g->c + c, from, n);
   }
}

// Few channels do not fill a block: there the numbers of a window are packed as the channels of one pixel.
static bool has_few_channels(const ScConv *g) {
   return g->c < WIDE / 2;
}

// What the products see in place of x.
static void see(Work *w) {
   ScConv *g = &w->g;
   *g = w->z->g;
   g->n = (g->n + PER_WORD - 1) / PER_WORD;
   w->down = w->across = 1;
   if (has_few_channels(g)) {
      w->line = (g->w + g->pw + g->pw_end) * g->c;
      g->c *= g->kh * g->kw;
      g->kh = g->kw = 1;
      g->ph = g->pw = g->ph_end = g->pw_end = 0;
   } else if (g->kh == 1 && g->kw == 1 && g->ph == 0 && g->pw == 0) { // only the pixels that a filter meets
      w->down = g->sh, w->across = g->sw;
   } else {
      return;
   }
   g->h = g->oh, g->w = g->ow, g->sh = g->sw = 1;
}

static Work plan(const ScFilterGradient *z) {
   Work w = {.z = z};
   see(&w);
   const ScConv *g = &w.g;
   w.in = blocks_of(g->c, WIDE), w.out = blocks_of(g->o, HIGH);
   w.group = GROUP;
   while (w.group > 1 && units_of(&w, w.group) < EACH * omp_get_max_threads()) w.group /= 2;
   w.rows = least(g->oh, most(1, PIXELS / g->ow));
   w.many = least(g->n, most(1, PIXELS / (w.rows * g->ow)));
   w.in_rows = least(g->h, (w.rows - 1) * g->sh + (g->kh - 1) * g->dh + 1);
   // One more vector, or all blocks would meet in the same places of the caches.
   w.x_block = w.many * w.in_rows * g->w * WIDE + LANES;
   w.dy_block = w.many * w.rows * g->ow * HIGH + LANES;
   return w;
}

static ScStatus run(ScDevice *device, const ScFilterGradient *z) {
   Work w = plan(z);
   int64_t x = w.in * w.x_block, dy = w.out * w.dy_block, sums = w.g.kh * w.g.kw * w.in * WIDE * w.out * HIGH;
   int64_t lines = omp_get_max_threads() * lines_of_thread(&w);
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, device, (size_t)(x + dy + lines + sums) * sizeof(Word)));
   w.x = scratch->data, w.dy = w.x + x, w.lines = w.dy + dy, w.sums = (float *)(w.lines + lines);
   for (int64_t image = 0; image < w.g.n; image += w.many)
      for (int64_t row = 0; row < w.g.oh; row += w.rows) run_chunk(&w, chunk_at(&w, image, row));
#pragma omp parallel for
   for (int64_t o = 0; o < z->g.o; o++) write_filter(&w, o);
   sc_buffer_release(scratch);
   return SC_OK;
}

// ---- where it pays ----

enum { ENOUGH = 32 };

// Of the blocks that channels take they fill so many quarters, and the windows of few channels four fifths.
static bool fills_blocks(const ScConv *g) {
   int64_t row = g->kw * g->c, window = g->kh * row;
   if (!has_few_channels(g)) return g->c * 4 >= blocks_of(g->c, WIDE) * WIDE * FILLED_QUARTERS;
   return g->dh == 1 && g->dw == 1 && row <= MOST_IN_ROW && window >= LEAST_WINDOW &&
          window <= MOST_IN_WINDOW && window * 5 >= blocks_of(window, WIDE) * WIDE * 4;
}

// Products for each number that is packed.
static bool is_worth_packing(const ScConv *g) {
   return has_few_channels(g) || g->kh * g->kw * g->c * g->o > ENOUGH * (g->c + g->o);
}

static bool serves_threads(const ScConv *g) {
   Work w = plan(&(ScFilterGradient){.g = *g});
   return units_of(&w, 1) >= omp_get_max_threads();
}

static bool fits_blocks(const ScConv *g) {
   return g->groups == 1 && fills_blocks(g) && is_worth_packing(g) && serves_threads(g);
}

#endif
