// The processes that mpirun has started here. It hears of the end of each, and ends the others; but of one that
// ends while it makes its first contact it does not always take notice.
#ifndef SCUTE_RANKS_H
#define SCUTE_RANKS_H

#include <stdbool.h>
#include <sys/types.h>

enum { SC_MOST_RANKS = 1024 };

typedef struct {
   int wanted, n; // how many there will be, and are
   bool blind;    // the kernel does not say whose children there are (CONFIG_PROC_CHILDREN): none is found
   pid_t ids[SC_MOST_RANKS];
   int numbers[SC_MOST_RANKS]; // their ranks, -1: it is not known yet
   bool done[SC_MOST_RANKS];   // ended with 0, as none is missed that has
   int gone;        // rank of the first of which it was seen that it has ended, -1: none, or it was never seen
   int signal;      // that ended it, 0: none, or it is not known
   long long found; // when another one was found, in nanoseconds
   long long since; // when one was missed, 0: none is
} ScRanks;

void sc_ranks_begin(ScRanks *, int wanted);

// To be called every now and then. Returns for how many seconds one has been gone while another is there.
double sc_ranks_look(ScRanks *, pid_t launcher);

// Whether all of them, but for those that are through, have a handler of a signal by now: as long as one has
// none, none of them has got beyond its start. True where none can be found.
bool sc_ranks_handle(const ScRanks *, int signal);

#endif
