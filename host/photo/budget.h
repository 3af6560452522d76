// The memory that decoding takes, shared out among all threads of the process: who needs some waits until there
// is enough of it, first come first served. What is more than all of it is had by one thread alone, so that
// which photos can be read depends on no machine.
//
// A photo takes from two parts, one after the other: its file, which is held until it is decoded, then its
// pixels. Whoever has pixels waits for nothing, so that everybody's turn comes.
#ifndef SCUTE_BUDGET_H
#define SCUTE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum { SC_BUDGET_FILES, SC_BUDGET_PIXELS } ScBudgetPart;

// Bytes for both together, of which files get a quarter; 0, as in the beginning, for any number of them.
void sc_budget_set(size_t bytes);

// Waits for its turn; sc_budget_give returns as many. False, with nothing taken, where `given_up` (which may be
// NULL) gets true meanwhile; who sets it calls sc_budget_wake.
bool sc_budget_take(ScBudgetPart, size_t bytes, const atomic_bool *given_up);
void sc_budget_give(ScBudgetPart, size_t bytes);
void sc_budget_wake(void);

typedef struct {
   size_t taken, most; // bytes now, and at most since the budget was set
   int waiting;        // threads
} ScBudgetUse;

ScBudgetUse sc_budget_use(ScBudgetPart);

#endif
