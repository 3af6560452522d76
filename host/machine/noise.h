// What mpirun says on standard error. It tells how a process ended in blocks between two lines of dashes,
// several of them for one end: they are read here, and left out. All else is passed on as it comes.
#ifndef SCUTE_NOISE_H
#define SCUTE_NOISE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
   int out;          // file descriptor to which the rest goes
   int rank;         // of the first process that ended badly; -1: none was told
   int signal;       // that ended it, 0: none
   int code;         // its exit code, 0: none was told
   bool said;        // it has ended the others itself, having said why
   bool broken;      // nobody reads standard output any more, for which mpirun ends all of them
   bool block, line; // between two lines of dashes; within a line that is passed on
   size_t n;         // bytes that are held back
   char text[8192];
} ScNoise;

void sc_noise_begin(ScNoise *, int out);
void sc_noise_take(ScNoise *, const char *bytes, size_t n);
// Passes on what is held back: what could have become a block, and did not.
void sc_noise_flush(ScNoise *);

#endif
