#ifndef SCUTE_OPS_ONE_HOT_H
#define SCUTE_OPS_ONE_HOT_H

enum { SC_ONE_HOT_CLASSES, SC_ONE_HOT_DTYPE }; // attributes; after infer the classes are at least 1

#endif
