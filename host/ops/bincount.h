#ifndef SCUTE_OPS_BINCOUNT_H
#define SCUTE_OPS_BINCOUNT_H

enum { SC_BINCOUNT_MINLENGTH }; // attribute; the numbers have been checked: 1 to the length of the result

#endif
