// The tiles of a convolution (see winograd.h): their size, where they lie, how what is made of them lies in
// memory.
#ifndef SCUTE_CPU_WINOGRAD_GEOMETRY_H
#define SCUTE_CPU_WINOGRAD_GEOMETRY_H

#include "host/ops/conv2d.h"

// TILE input pixels a side make OUT output pixels; the products of a tile are EACH independent ones.
enum { OUT = 4, TILE = 6, EACH = TILE * TILE };
// ROWS tiles and BLOCK channels lie together; STEP: channels are a multiple of it, so that the last block need
// not be full; GAP: floats between what else would meet in the same places of the cache.
enum { ROWS = 6, BLOCK = 64, STEP = 16, GAP = 16 };

typedef struct {
   int64_t across, of_image, all; // tiles in a row, in an image, in the batch
} ScTiles;

static inline int64_t sc_least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static inline ScTiles sc_tiles_of(const ScConv *g) {
   ScTiles t = {.across = (g->ow + OUT - 1) / OUT};
   t.of_image = (g->oh + OUT - 1) / OUT * t.across;
   t.all = g->n * t.of_image;
   return t;
}

typedef struct {
   int64_t n, top, left, height, width; // of output pixels: where it begins, how many there are
} ScTile;

static inline ScTile sc_tile_at(const ScTiles *t, const ScConv *g, int64_t tile) {
   int64_t in_image = tile % t->of_image;
   ScTile at = {.n = tile / t->of_image, .top = in_image / t->across * OUT, .left = in_image % t->across * OUT};
   at.height = sc_least(OUT, g->oh - at.top);
   at.width = sc_least(OUT, g->ow - at.left);
   return at;
}

static inline int64_t sc_winograd_blocks(int64_t channels) {
   return (channels + BLOCK - 1) / BLOCK;
}

// Channels of a block.
static inline int64_t sc_winograd_width(int64_t channels, int64_t block) {
   return sc_least(BLOCK, channels - block * BLOCK);
}

// Floats from one of the products' matrices of filters to the next.
static inline int64_t sc_winograd_filter_step(int64_t channels) {
   return channels * BLOCK + GAP;
}

#endif
