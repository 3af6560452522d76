#include "kernels/cuda/conv_key.h"

#include <string.h>

#include "host/core/choices.h"

ScConvKey sc_conv_key(ScPlanKind kind, ScDtype dtype, const ScConv *g) {
   bool rounds = dtype == SC_F32 && sc_choices()->tf32_convolutions;
   return (ScConvKey){{kind, dtype, rounds, g->n, g->c, g->h, g->w, g->o, g->oh, g->ow, g->kh, g->kw, g->sh,
                       g->sw, g->ph, g->pw, g->dh, g->dw, g->groups}};
}

ScPlanKind sc_conv_search_kind(ScPlanKind kind) {
   return kind == SC_PLAN_FORWARD_ADD || kind == SC_PLAN_FORWARD_RELU ? SC_PLAN_FORWARD : kind;
}

ScConvKey sc_conv_search_key(const ScConvKey *key) {
   ScConvKey plain = *key;
   plain.word[0] = sc_conv_search_kind((ScPlanKind)key->word[0]);
   return plain;
}

bool sc_conv_is_rest(const ScConvKey *key, const ScConvKey *of) {
   ScConvKey a = sc_conv_search_key(key), b = sc_conv_search_key(of);
   int64_t photos = a.word[SC_CONV_PHOTOS];
   a.word[SC_CONV_PHOTOS] = b.word[SC_CONV_PHOTOS];
   return photos < b.word[SC_CONV_PHOTOS] && memcmp(&a, &b, sizeof a) == 0;
}
