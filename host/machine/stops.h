// Groups of processes that stop (Ctrl-Z) and go on with this one, in whose group they are not.
#ifndef SCUTE_STOPS_H
#define SCUTE_STOPS_H

#include <sys/types.h>

// From now on SIGTSTP, where it stops this process, stops that group too until this one goes on.
void sc_stops_with_us(pid_t group);

// No longer. After the last one SIGTSTP is handled as before the first.
void sc_stops_without_us(pid_t group);

#endif
