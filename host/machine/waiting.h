// How compute threads wait for work.
#ifndef SCUTE_WAITING_H
#define SCUTE_WAITING_H

// First thing in main: makes compute threads that wait sleep after a moment. libgomp lets them spin for
// milliseconds, and so take the cores from the threads that decode photos and from other programs: measured on
// two busy cores, features of photos took 18 s of processor time instead of 7, and three times as long. It
// reads its settings from the environment as it is loaded, which is before main: there the setting stands in
// the place of a variable that nobody misses. Where there is none such, as in an empty environment, the program
// starts itself once more. The environment stays as the user set it. Nothing is done where the user has set
// GOMP_SPINCOUNT or OMP_WAIT_POLICY.
void sc_calm_waiting(char **argv);

#endif
