// scute --watch: a script that runs again whenever it, or a file that it is made of, is saved.
#ifndef SCUTE_BIND_WATCH_H
#define SCUTE_BIND_WATCH_H

#include <stdbool.h>

// Forks a process for each run. Returns true in the watching process once that is to end, with its exit code,
// and false in each run, which then goes on as the program alone would.
bool sc_watch(const char *script, int *code);

#endif
