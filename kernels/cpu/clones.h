// Loops that are compiled for several instruction sets, chosen once at start, so that one binary is fast on new
// processors and runs on old ones (and under valgrind).
#ifndef SCUTE_CPU_CLONES_H
#define SCUTE_CPU_CLONES_H

// The sanitizers' own start comes after the choice among clones, which their instrumented resolvers do not
// survive.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SC_CLONES
#endif

#endif
