#include "host/files/pth_search.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/files/pickle_object.h"
#include "host/files/pth_facts.h"

// Where training programs put the weights, the likeliest first, and whether they are a running average there.
static const struct {
   const char *name;
   bool averaged;
} usual[] = {
    {"state_dict", false}, {"model_state_dict", false}, {"model", false},         {"net", false},
    {"network", false},    {"module", false},           {"checkpoint", false},    {"ema", true},
    {"model_ema", true},   {"ema_model", true},         {"state_dict_ema", true}, {"ema_state_dict", true},
};
enum { NUSUAL = sizeof usual / sizeof usual[0], MAXPLACES = 32, MAXPATH = 100 };

typedef struct {
   const ScPickled *dict;
   char path[MAXPATH]; // "ema.state_dict", "" of the whole
   bool averaged;
} Place;

typedef struct {
   const ScPth *pth;
   ScState *out;
   int n;
   Place places[MAXPLACES]; // from the outermost inwards
} Search;

bool sc_pth_is_weight(const ScPickled *value) {
   if (value->kind != SC_PICKLED_TENSOR) return false;
   const ScPickled *shape = value->items[2];
   for (size_t i = 0; shape->kind == SC_PICKLED_TUPLE && i < shape->n; i++)
      if (shape->items[i]->kind == SC_PICKLED_INT && shape->items[i]->integer == 0) return false;
   return true;
}

// What a state dict may hold beside tensors: what a module's get_extra_state gave.
static bool is_extra(const ScPickled *value) {
   return value->kind == SC_PICKLED_OBJECT || value->kind == SC_PICKLED_NONE;
}

static bool is_state_dict(const ScPickled *dict) {
   size_t tensors = 0;
   for (size_t i = 0; i < dict->n; i += 2) {
      const ScPickled *name = dict->items[i], *value = dict->items[i + 1];
      if (name->kind != SC_PICKLED_STRING || (value->kind != SC_PICKLED_TENSOR && !is_extra(value)))
         return false;
      tensors += value->kind == SC_PICKLED_TENSOR;
   }
   return tensors > 0;
}

// A dict may hold itself.
static bool is_listed(const Search *s, const ScPickled *dict) {
   for (int i = 0; i < s->n; i++)
      if (s->places[i].dict == dict) return true;
   return false;
}

static void list_inner(Search *s, Place at) {
   for (int i = 0; i < NUSUAL && s->n < MAXPLACES; i++) {
      const ScPickled *inner = sc_pickled_get(at.dict, usual[i].name);
      if (!inner || !sc_pickled_is_dict(inner) || is_listed(s, inner)) continue;
      Place *place = &s->places[s->n];
      int length =
          snprintf(place->path, sizeof place->path, "%s%s%s", at.path, at.path[0] ? "." : "", usual[i].name);
      if (length >= MAXPATH) continue;
      place->dict = inner;
      place->averaged = at.averaged || usual[i].averaged;
      s->n++;
   }
}

// A growing text; what does not fit is cut off.
typedef struct {
   char text[1000];
   size_t length;
} Line;

__attribute__((format(printf, 2, 3))) static void put(Line *line, const char *format, ...) {
   va_list args;
   va_start(args, format);
   int n = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, args);
   va_end(args);
   line->length += (size_t)n;
   if (line->length >= sizeof line->text) line->length = sizeof line->text - 1;
}

static ScStatus note_choice(const Search *s, const Place *taken) {
   Line line = {.length = 0};
   int found = 0;
   put(&line, "%s holds weights %sunder", s->pth->path,
       taken->averaged ? "that are running averages, and no others, " : "");
   for (int i = 0; i < s->n; i++)
      if (is_state_dict(s->places[i].dict)) put(&line, "%s '%s'", found++ ? "," : "", s->places[i].path);
   if (found == 1 && !taken->averaged) return SC_OK;
   if (found > 1) put(&line, ": those under '%s' are taken", taken->path);
   return sc_state_note(s->out, line.text);
}

static ScStatus note_rest(const Search *s, const Place *taken) {
   const ScPickled *others = &s->pth->pickle.others;
   Line line = {.length = 0};
   char name[64];
   int left = 0;
   put(&line, "%s holds more than tensors, which is left out and of which nothing is executed:", s->pth->path);
   for (size_t i = 0; i < taken->dict->n; i += 2) {
      const ScPickled *key = taken->dict->items[i];
      if (sc_pth_is_weight(taken->dict->items[i + 1]) || left++ >= SC_OTHERS_NOTED) continue;
      sc_pickle_printable(name, sizeof name, key->text, key->length);
      put(&line, "%s entry '%s'", left > 1 ? "," : "", name);
   }
   for (size_t i = 0; i < others->n; i++) put(&line, "%s %s", left++ ? "," : "", others->items[i]->text);
   if (others->n == SC_OTHERS_NOTED) put(&line, " ...");
   return left > 0 ? sc_state_note(s->out, line.text) : SC_OK;
}

static ScStatus no_state_dict(const Search *s) {
   const ScPickled *others = &s->pth->pickle.others;
   if (others->n > 0)
      return sc_fail(
          SC_EFORMAT,
          "%s is not a plain state dict: its pickle asks for %s. The file is refused and nothing in it was "
          "executed; if you trust it, load it in PyTorch and save model.state_dict() alone",
          s->pth->path, others->items[0]->text);
   return sc_fail(
       SC_EFORMAT,
       "%s is not a plain state dict: expected a dict from names to tensors, alone or under 'state_dict', "
       "'model_state_dict', 'model', 'net' or 'ema'; save it with torch.save(model.state_dict(), ...)",
       s->pth->path);
}

ScStatus sc_pth_find(const ScPth *pth, const ScPickled **dict, ScState *out) {
   Search s = {.pth = pth, .out = out};
   const Place *taken = NULL;
   if (sc_pickled_is_dict(pth->root)) s.places[s.n++].dict = pth->root;
   for (int i = 0; i < s.n; i++) {
      const Place *place = &s.places[i];
      if (!is_state_dict(place->dict))
         list_inner(&s, *place);
      else if (!taken || (taken->averaged && !place->averaged))
         taken = place;
   }
   if (!taken) return no_state_dict(&s);
   *dict = taken->dict;
   if (taken->dict != pth->root) SC_TRY(sc_pth_facts(pth->root, out));
   SC_TRY(note_choice(&s, taken));
   return note_rest(&s, taken);
}
