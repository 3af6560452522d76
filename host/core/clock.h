// A clock that never goes back.
#ifndef SCUTE_CLOCK_H
#define SCUTE_CLOCK_H

#include "host/core/api.h"

SC_API_BEGIN
double sc_seconds(void);
SC_API_END

#endif
