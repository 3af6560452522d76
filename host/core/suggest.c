#include "host/core/suggest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 63 };

static int least(int a, int b) {
   return a < b ? a : b;
}

// Levenshtein distance with adjacent transpositions counted once, capital letters being small ones; names
// beyond 63 bytes are cut.
static int edit_distance(const char *a, const char *b) {
   int na = (int)strnlen(a, LONGEST), nb = (int)strnlen(b, LONGEST);
   int d[LONGEST + 1][LONGEST + 1];
   for (int i = 0; i <= na; i++) d[i][0] = i;
   for (int j = 0; j <= nb; j++) d[0][j] = j;
   for (int i = 1; i <= na; i++)
      for (int j = 1; j <= nb; j++) {
         int cost = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
         d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + cost);
         if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
      }
   return d[na][nb];
}

int sc_nearest(const char *name, int n, const char *const *candidates) {
   int best = -1, limit = (int)strlen(name) / 3 + 1, distance = limit + 1;
   for (int i = 0; i < n; i++) {
      int d = edit_distance(name, candidates[i]);
      if (d < distance) best = i, distance = d;
   }
   return best;
}
