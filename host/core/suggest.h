// "Did you mean ...": the candidate nearest to a name that is none of them.
#ifndef SCUTE_SUGGEST_H
#define SCUTE_SUGGEST_H

// Index of the candidate of n that was probably meant, or -1 where none is near enough. What tells more comes
// first: a word of PyTorch, NumPy or Torch7 for it (host/core/synonyms.h), the same name but for capitals and
// underscores, one wrong letter, the beginning of it, a part of it, and then the fewest wrong letters. Of a
// candidate with dots the last part may be meant ("Linear" by "nn.Linear").
int sc_nearest(const char *name, int n, const char *const *candidates);

// The same by letters alone: for names of somebody's own, for which there are no other words.
int sc_near_spelling(const char *name, int n, const char *const *candidates);

// The same as the first without guessing: only another word for a candidate, or its name or last part but for
// capitals and underscores.
int sc_same_name(const char *name, int n, const char *const *candidates);

// "; did you mean 'NAME'?" for the end of a message, "" where none is near. Valid until the next call.
const char *sc_meant(const char *name, int n, const char *const *candidates);

#endif
