#ifndef SCUTE_OPS_INDEX_SELECT_H
#define SCUTE_OPS_INDEX_SELECT_H

enum { SC_INDEX_SELECT_DIM }; // attributes; the indices have been checked

#endif
