// What the kernels of gather and scatter_add share.
#ifndef SCUTE_OPS_GATHER_H
#define SCUTE_OPS_GATHER_H

enum { SC_GATHER_DIM };                                  // attribute of both; the indices have been checked
enum { SC_SCATTER_X, SC_SCATTER_INDEX, SC_SCATTER_SRC }; // inputs of scatter_add

#endif
