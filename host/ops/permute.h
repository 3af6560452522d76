#ifndef SCUTE_OPS_PERMUTE_H
#define SCUTE_OPS_PERMUTE_H

// Attribute: output dimension i is input dimension order[i], counted from 1.
enum { SC_PERMUTE_ORDER };

#endif
