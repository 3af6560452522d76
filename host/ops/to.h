#ifndef SCUTE_OPS_TO_H
#define SCUTE_OPS_TO_H

enum { SC_TO_DTYPE }; // attributes

#endif
