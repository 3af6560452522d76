#ifndef SCUTE_OPS_STACK_H
#define SCUTE_OPS_STACK_H

enum { SC_STACK_DIM }; // attribute; after infer a dimension of the result, from 0

#endif
