// What a user may choose about how backends compute.
#ifndef SCUTE_CHOICES_H
#define SCUTE_CHOICES_H

#include <stdbool.h>

#include "host/core/api.h"

SC_API_BEGIN

typedef struct {
   // Only algorithms that give the same bits at every run; where a device has none, the op fails and says so.
   // Otherwise such algorithms are only preferred, and which of these is the fastest is timed.
   bool deterministic;
   // Convolutions and matrix products of f32 on GPUs may round their factors to 10 bits (TensorFloat-32).
   bool tf32_convolutions, tf32_products;
} ScChoices;

// As in PyTorch at the start: nothing insists on equal bits, convolutions may round, matrix products do not.
ScChoices *sc_choices(void);

SC_API_END

#endif
