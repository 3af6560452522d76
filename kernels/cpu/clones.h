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

// A file of loops over vectors of a fixed size (lanes.h) is for one kind of processor, and asked for where
// there is such a one: vectors that are larger than its registers are computed number by number. It begins
// with one of these.
#if defined(__x86_64__)
#define SC_FOR_AVX2   _Pragma("GCC target(\"arch=x86-64-v3\")")
#define SC_FOR_AVX512 _Pragma("GCC target(\"arch=x86-64-v4\")")
#else
#define SC_FOR_AVX2
#define SC_FOR_AVX512
#endif

#endif
