// "Did you mean ...": the candidate nearest to a mistyped name.
#ifndef SCUTE_SUGGEST_H
#define SCUTE_SUGGEST_H

// Index of the nearest of n candidates, or -1 where none is near enough to be meant (more than a third
// differs).
int sc_nearest(const char *name, int n, const char *const *candidates);

#endif
