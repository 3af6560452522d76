#include "kernels/cpu/depthwise.h"

#include "kernels/cpu/depthwise_way.h"
#include "kernels/cpu/onednn.h"

bool sc_depthwise_fits(const ScConv *g) {
   bool depthwise = g->groups > 1 && g->cg == 1 && g->og == 1;
   return depthwise && g->dh == 1 && g->dw == 1 && g->kh == g->kw && (g->kw == 5 || g->kw == 7);
}

static const ScDepthwiseWay *way(void) {
   if (sc_cpu_is_wide()) return &sc_depthwise_avx512;
   return sc_cpu_has_fma() ? &sc_depthwise_avx2 : &sc_depthwise_any;
}

ScStatus sc_depthwise_weight_gradient(ScDevice *device, const ScConv *g, bool half, const void *x,
                                      const void *dy, void *gradient) {
   return way()->weight_gradient(device, g, half, x, dy, gradient);
}
