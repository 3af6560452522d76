#include "host/core/costs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/layer.h"
#include "host/core/span.h"
#include "host/core/trace.h"
#include "host/core/work.h"

enum { MOST = 4096, PLACES = 2 * MOST };

static ScCost rows[MOST];
static uint64_t keys[MOST];
static int nrows, of_profile;
static int16_t places[PLACES]; // number of a row + 1, by its key

// ---- which row ----

static void mix(uint64_t *key, uint64_t value) {
   *key = (*key ^ value) * 0x9E3779B97F4A7C15u;
   *key ^= *key >> 29;
}

static void mix_shape(uint64_t *key, const ScTensor *t) {
   mix(key, t ? (uint64_t)t->rank + 1 : 0);
   for (int d = 0; t && d < t->rank; d++) mix(key, (uint64_t)t->shape[d]);
}

static ScDtype dtype_of(const ScCall *c) {
   for (int i = 0; i < c->nin; i++)
      if (c->in[i]) return c->in[i]->dtype;
   return SC_F32;
}

static uint64_t key_of(const ScCall *c) {
   uint64_t key = (uint64_t)(uintptr_t)c->op;
   mix(&key, (uint64_t)(uintptr_t)c->device);
   mix(&key, (uint64_t)c->layer);
   mix(&key, (uint64_t)dtype_of(c));
   mix(&key, (uint64_t)c->nin);
   for (int i = 0; i < c->nin; i++) mix_shape(&key, c->in[i]);
   mix_shape(&key, c->nout > 0 ? c->out[0] : NULL);
   return key;
}

// ---- its shapes in words ----

static int add_shape(char *text, int size, int at, const char *before, const ScTensor *t) {
   return at +
          snprintf(text + at, at < size ? (size_t)(size - at) : 0, "%s%s", at ? before : "", sc_shape_text(t));
}

// Of inputs the first two, and of these none that has one number a channel; of a list how many there are.
static char *shapes_of(const ScCall *c) {
   char text[240] = "";
   int size = sizeof text, at = 0, told = 0;
   for (int p = 0, i = 0; p < SC_MAXPARAM && i < c->nin && told < 2 && at < 160; i += c->count[p++]) {
      if (c->count[p] > 1)
         at += snprintf(text + at, (size_t)(size - at), "%s%d tensors", at ? ", " : "", c->count[p]), told = 2;
      else if (c->in[i] && (c->in[i]->rank > 1 || !told))
         at = add_shape(text, size, at, ", ", c->in[i]), told++;
   }
   if (c->nout > 0 && c->out[0] && at < 200) add_shape(text, size, at, " -> ", c->out[0]);
   return strdup(text);
}

// ---- counting ----

static void forget(void) {
   for (int i = 0; i < nrows; i++) free(rows[i].shapes);
   memset(places, 0, sizeof places);
   nrows = 0;
   of_profile = sc_profilings();
}

static ScCost *add_row(const ScCall *c, uint64_t key, int place) {
   rows[nrows] = (ScCost){.op = c->op->name,
                          .device = c->device->name,
                          .dtype = dtype_of(c),
                          .layer = c->layer,
                          .shapes = shapes_of(c)};
   keys[nrows] = key;
   places[place] = (int16_t)(nrows + 1);
   return &rows[nrows++];
}

// Where there are too many kinds, those that are new are counted in the row of the op that was the last.
static ScCost *row_of(const ScCall *c) {
   if (of_profile != sc_profilings()) forget();
   uint64_t key = key_of(c);
   int place = (int)(key % PLACES);
   for (; places[place]; place = (place + 1) % PLACES)
      if (keys[places[place] - 1] == key) return &rows[places[place] - 1];
   if (nrows < MOST) return add_row(c, key, place);
   for (int i = nrows - 1; i >= 0; i--)
      if (rows[i].op == c->op->name && rows[i].device == c->device->name) return &rows[i];
   return NULL;
}

static void add_to_trace(const ScCost *row, bool backward, double start, double seconds) {
   char arguments[600], shapes[260], layer[260];
   if (!sc_tracing()) return;
   snprintf(arguments, sizeof arguments, "\"shapes\":%s,\"layer\":%s,\"dtype\":\"%s\",\"device\":\"%s\"",
            sc_trace_quote(shapes, sizeof shapes, row->shapes ? row->shapes : ""),
            sc_trace_quote(layer, sizeof layer, sc_layer_path(row->layer)), sc_dtype_name(row->dtype),
            row->device);
   sc_trace_add(row->op, backward ? " backward" : "", start, seconds, arguments);
}

void sc_costs_add(const ScCall *c, bool backward, bool fallback, double start, double seconds) {
   ScCost *row = row_of(c);
   if (!row) return;
   ScWork work = sc_work(c, backward);
   row->fallbacks += fallback;
   row->calls[backward]++;
   row->seconds[backward] += seconds;
   row->multiply_adds[backward] += work.multiply_adds;
   row->bytes[backward] += work.bytes;
   sc_span_covers(seconds);
   add_to_trace(row, backward, start, seconds);
}

int sc_costs_rows(const ScCost **out) {
   if (of_profile != sc_profilings()) forget();
   *out = rows;
   return nrows;
}
