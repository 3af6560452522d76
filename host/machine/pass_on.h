// Signals of a process that has started others, in groups of their own, and passes on to them what comes to it.
#ifndef SCUTE_PASS_ON_H
#define SCUTE_PASS_ON_H

#include <signal.h>

// Before the first is started: SIGINT, SIGTERM and SIGTSTP wait until sc_pass_on, and how children end is heard
// of, which a parent of ours that ignores SIGCHLD would hide. *mask: what was blocked until now, which each
// child sets again.
void sc_pass_on_prepare(sigset_t *mask);

// Once all are started, and so what is handled here is not handled there: `end` has SIGINT and SIGTERM, `stop`
// SIGTSTP, but for those that are ignored. Where nobody reads what is written a write fails, and ends nothing.
void sc_pass_on(void (*end)(int), void (*stop)(int), const sigset_t *mask);

#endif
