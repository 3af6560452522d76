#include "host/files/header_limits.h"

#include <stdbool.h>

#include "host/files/state.h"

// DEEPEST: {entry: {"shape": [...]}}. COST: bytes that jansson takes for the values of a header, beside the
// text.
enum { DEEPEST = 3, MAXCOST = 64 << 20 };
enum { OBJECT = 256, ARRAY = 160, PAIR = 144, ELEMENT = 88 };

typedef struct {
   int depth, entries;
   size_t cost;
   bool deep;
} Count;

static void enter(Count *c, size_t cost) {
   c->cost += cost;
   c->entries += c->depth == 1;
   c->deep = ++c->depth > DEEPEST || c->deep;
}

static void count(Count *c, char letter) {
   if (letter == '{')
      enter(c, OBJECT);
   else if (letter == '[')
      enter(c, ARRAY);
   else if (letter == '}' || letter == ']')
      c->depth--;
   else if (letter == ':')
      c->cost += PAIR;
   else if (letter == ',')
      c->cost += ELEMENT;
}

// Where the string ends that begins at `at`, behind its quote.
static size_t end_of_string(const char *text, size_t length, size_t at) {
   while (at < length && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
   return at;
}

static ScStatus judge(const char *path, const Count *c, size_t longest) {
   if (c->deep) return sc_fail(SC_EFORMAT, "%s: its header is nested deeper than that of a weight file", path);
   if (c->entries > SC_MAXENTRIES)
      return sc_fail(SC_EFORMAT, "%s holds more than %d entries", path, SC_MAXENTRIES);
   if (longest > SC_MAXNAME)
      return sc_fail(SC_EFORMAT, "%s: an entry has a name of %zu bytes, at most %d are allowed", path, longest,
                     SC_MAXNAME);
   if (c->cost > MAXCOST)
      return sc_fail(SC_EFORMAT, "%s: its header holds far more values than that of a weight file", path);
   return SC_OK;
}

ScStatus sc_check_header_limits(const char *path, const char *text, size_t length) {
   Count c = {0};
   size_t longest = 0;
   for (size_t at = 0; at < length && !c.deep; at++) {
      if (text[at] != '"') {
         count(&c, text[at]);
         continue;
      }
      size_t end = end_of_string(text, length, at + 1);
      if (c.depth == 1 && end - at - 1 > longest) longest = end - at - 1;
      at = end;
   }
   return judge(path, &c, longest);
}
