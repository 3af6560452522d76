#ifndef SCUTE_OPS_CONCAT_H
#define SCUTE_OPS_CONCAT_H

enum { SC_CONCAT_DIM }; // attributes; SC_NODIM is the first dimension

#endif
