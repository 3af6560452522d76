#ifndef SCUTE_OPS_NORMALIZE_PHOTOS_H
#define SCUTE_OPS_NORMALIZE_PHOTOS_H

enum { SC_NORMALIZE_X, SC_NORMALIZE_MEAN, SC_NORMALIZE_STD };
enum { SC_NORMALIZE_DTYPE }; // after infer: that of mean, or a half one

#endif
