#include "kernels/cpu/winograd.h"

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/winograd_geometry.h"

static const ScWinogradWay *way(void) {
   return sc_cpu_is_wide() ? &sc_winograd_avx512 : &sc_winograd_avx2;
}

ScStatus sc_winograd(ScDevice *device, const ScWinograd *z, bool *finite) {
   return way()->forward(device, z, finite);
}

ScStatus sc_winograd_gradient(ScDevice *device, const ScWinogradGradient *z, bool *finite) {
   return way()->gradient(device, z, finite);
}

size_t sc_winograd_filter_bytes(const ScConv *g) {
   return (size_t)(sc_winograd_blocks(g->o) * EACH * sc_winograd_filter_step(g->c)) * sizeof(float);
}

void sc_winograd_filters(const ScConv *g, bool turned, bool half, const void *plain, float *filters) {
   way()->filters(g, turned, half, plain, filters);
}

ScConv sc_winograd_turned(const ScConv *g) {
   ScConv turned = *g;
   turned.c = turned.cg = g->o, turned.h = g->oh, turned.w = g->ow;
   turned.o = turned.og = g->c, turned.oh = g->h, turned.ow = g->w;
   turned.ph = 2 - g->ph, turned.pw = 2 - g->pw;
   turned.ph_end = 2 - g->ph_end, turned.pw_end = 2 - g->pw_end;
   return turned;
}

// ---- where it pays ----

enum { ENOUGH = 16, MANY = 40, FEW_CHANNELS = 32, CACHED = 1 << 20 };

static bool has_filters(const ScConv *g, bool half) {
   bool three = g->kh == 3 && g->kw == 3 && g->sh == 1 && g->sw == 1 && g->dh == 1 && g->dw == 1;
   return three && g->groups == 1 && g->c % STEP == 0 && g->o % STEP == 0 && sc_cpu_has_fma() &&
          !(half && sc_cpu_has_amx());
}

// Transforming takes longer than it saves where few channels meet, in blocks that are not full: those of 16
// take up to twice the time of oneDNN's, those of 32 about as long (and 0.4 to 0.9 of it the gradient of
// filters).
static bool has_channels(const ScConv *g, int64_t in_blocks) {
   return in_blocks % BLOCK == 0 || (g->c >= FEW_CHANNELS && g->o >= FEW_CHANNELS);
}

// Tiles reach over the edge: what is left must halve the work. They are computed `together`, and transformed
// filters, four times as many as plain ones, are to serve ENOUGH; MANY where no core's cache holds them: 256 to
// 256 channels at 14 x 14, one photo, took 1.25 times the time of oneDNN's, two photos 1.17, four 0.76.
static bool saves_enough(const ScConv *g, int64_t together) {
   int64_t all = sc_tiles_of(g).all, products = (all + together - 1) / together * together * EACH;
   bool stays = g->c * g->o * EACH * (int64_t)sizeof(float) <= CACHED;
   return all >= (stays ? ENOUGH : MANY) && g->n * g->oh * g->ow * 9 >= 2 * products;
}

// oneDNN is twice as fast in bf16 as in f32: there it is filters of that many tiles in one image.
static bool has_large_images(const ScConv *g) {
   return sc_tiles_of(g).of_image >= ENOUGH;
}

bool sc_winograd_fits(const ScConv *g, ScAct act, bool half) {
   bool has_act = act == SC_ACT_NONE || act == SC_ACT_RELU || act == SC_ACT_RELU6 || act == SC_ACT_SILU;
   return has_filters(g, half) && has_channels(g, g->o) && has_act && saves_enough(g, ROWS) &&
          (!half || has_large_images(g));
}

bool sc_winograd_gradient_fits(const ScConv *g, bool half) {
   return has_filters(g, half) && has_channels(g, g->c) && saves_enough(g, 1);
}
