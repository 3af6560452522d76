// Words that users of PyTorch, NumPy, Torch7 and fastai type, and what is called so here.
#ifndef SCUTE_SYNONYMS_H
#define SCUTE_SYNONYMS_H

typedef struct {
   const char *word;   // compared without regard to capitals
   const char *target; // "concat"; with a dot ("train.fit") only that one is meant
} ScSynonym;

// All of them; the last one has no word. A word that stands for several things has an entry for each: the first
// whose target is among the candidates counts.
extern const ScSynonym sc_synonyms[];

#endif
