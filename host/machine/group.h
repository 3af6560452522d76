// The control groups that the process is in, as far as they limit its memory and its time: version 1 or 2, the
// group itself and those above it.
#ifndef SCUTE_GROUP_H
#define SCUTE_GROUP_H

// Bytes that are left below the lowest limit, -1 where there is none. Files that the kernel keeps in memory are
// counted as left, since it drops them when the limit is met. `root`: what stands before /proc and /sys, for
// tests.
long long sc_group_memory_left(const char *root);

// Processors' worth of time that they grant, rounded up; -1 without a quota.
long long sc_group_processors(const char *root);

#endif
