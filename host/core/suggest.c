#define _GNU_SOURCE // strcasestr

#include "host/core/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/core/synonyms.h"

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

// ---- names that are the same ----

static const char *last_part(const char *candidate) {
   const char *dot = strrchr(candidate, '.');
   return dot ? dot + 1 : candidate;
}

// But for capitals, underscores and hyphens.
static bool same_letters(const char *a, const char *b) {
   for (;;) {
      while (*a == '_' || *a == '-') a++;
      while (*b == '_' || *b == '-') b++;
      if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
      if (!*a) return true;
      a++, b++;
   }
}

// Whether a candidate is what a synonym stands for: "concat" is "scute.concat" too, "train.fit" not "pca.fit".
static bool is_target(const char *target, const char *candidate) {
   size_t n = strlen(candidate), length = strlen(target);
   if (n < length || strcmp(candidate + n - length, target) != 0) return false;
   return n == length || candidate[n - length - 1] == '.';
}

static int find_target(const char *target, int n, const char *const *candidates) {
   for (int i = 0; i < n; i++)
      if (is_target(target, candidates[i])) return i;
   return -1;
}

static int find_synonym(const char *name, int n, const char *const *candidates) {
   for (const ScSynonym *s = sc_synonyms; s->word; s++) {
      int found = strcasecmp(name, s->word) == 0 ? find_target(s->target, n, candidates) : -1;
      if (found >= 0) return found;
   }
   return -1;
}

static int same_spelling(const char *name, int n, const char *const *candidates) {
   for (int i = 0; i < n; i++)
      if (strcmp(name, last_part(candidates[i])) == 0) return i;
   for (int i = 0; i < n; i++)
      if (same_letters(name, last_part(candidates[i]))) return i;
   return -1;
}

int sc_same_name(const char *name, int n, const char *const *candidates) {
   int found = find_synonym(name, n, candidates);
   return found >= 0 ? found : same_spelling(name, n, candidates);
}

// ---- names that are alike ----

enum { SHORTEST_START = 2, SHORTEST_PART = 3, SHORTEST_KNOWN = 4 };

// How many letters the longer of two names has beyond the shorter one, where that is its beginning; else
// INT_MAX. A candidate that is a small part of the name is not meant by it.
static int letters_beyond_start(const char *name, const char *candidate) {
   int typed = (int)strlen(name), known = (int)strlen(candidate), shorter = least(typed, known);
   if (shorter < SHORTEST_START || (known < typed && 2 * known < typed)) return INT_MAX;
   return strncasecmp(name, candidate, (size_t)shorter) == 0 ? typed + known - 2 * shorter : INT_MAX;
}

// The same where it is anywhere in it.
static int letters_beyond_part(const char *name, const char *candidate) {
   int typed = (int)strlen(name), known = (int)strlen(candidate);
   bool within = (typed >= SHORTEST_PART && strcasestr(candidate, name)) ||
                 (known >= SHORTEST_KNOWN && strcasestr(name, candidate));
   return within ? typed + known - 2 * least(typed, known) : INT_MAX;
}

// The candidate with the least distance of at most `most`, or -1.
static int closest(const char *name, int n, const char *const *candidates,
                   int (*distance)(const char *name, const char *candidate), int most) {
   int best = -1;
   for (int i = 0; i < n; i++) {
      int d = distance(name, candidates[i]);
      if (d <= most && (best < 0 || d < most)) best = i, most = d;
   }
   return best;
}

// A synonym with fewer than `most` wrong letters.
static int misspelt_synonym(const char *name, int n, const char *const *candidates, int most) {
   int best = -1;
   for (const ScSynonym *s = sc_synonyms; s->word; s++) {
      int d = strlen(s->word) < SHORTEST_KNOWN ? most : edit_distance(name, s->word);
      int found = d < most ? find_target(s->target, n, candidates) : -1;
      if (found >= 0) best = found, most = d;
   }
   return best;
}

// Of a short name nearly all letters have to be right.
static int most_wrong_letters(const char *name) {
   int length = (int)strlen(name);
   return length < 2 ? 0 : length < 5 ? 1 : length / 3 + 1;
}

// The same name, one wrong letter, the beginning or a part of it; or -1.
static int surely_near(const char *name, int n, const char *const *candidates) {
   int best = same_spelling(name, n, candidates);
   if (best < 0 && most_wrong_letters(name) > 1) best = closest(name, n, candidates, edit_distance, 1);
   if (best < 0) best = closest(name, n, candidates, letters_beyond_start, INT_MAX - 1);
   return best < 0 ? closest(name, n, candidates, letters_beyond_part, INT_MAX - 1) : best;
}

int sc_near_spelling(const char *name, int n, const char *const *candidates) {
   int best = surely_near(name, n, candidates);
   return best < 0 ? closest(name, n, candidates, edit_distance, most_wrong_letters(name)) : best;
}

int sc_nearest(const char *name, int n, const char *const *candidates) {
   int most = most_wrong_letters(name);
   int best = find_synonym(name, n, candidates);
   if (best < 0) best = surely_near(name, n, candidates);
   if (best >= 0) return best;
   best = closest(name, n, candidates, edit_distance, most);
   int synonym =
       misspelt_synonym(name, n, candidates, best < 0 ? most + 1 : edit_distance(name, candidates[best]));
   return synonym >= 0 ? synonym : best;
}

const char *sc_meant(const char *name, int n, const char *const *candidates) {
   static char text[160];
   int near = sc_nearest(name, n, candidates);
   snprintf(text, sizeof text, near < 0 ? "" : "; did you mean '%s'?", near < 0 ? "" : candidates[near]);
   return text;
}
