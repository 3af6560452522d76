#ifndef SCUTE_OPS_PAD_H
#define SCUTE_OPS_PAD_H

enum { SC_PAD_PADS, SC_PAD_MODE, SC_PAD_VALUE }; // attributes

#endif
