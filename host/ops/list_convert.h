#ifndef SCUTE_OPS_LIST_CONVERT_H
#define SCUTE_OPS_LIST_CONVERT_H

enum { SC_CONVERT_TENSORS, SC_CONVERT_VALUES, SC_CONVERT_LISTS }; // tensor parameters, for sc_group_at

#endif
