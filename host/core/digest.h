// 64 bits that tell texts, names and shapes apart; not against anybody who means to deceive.
#ifndef SCUTE_DIGEST_H
#define SCUTE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "host/core/api.h"

SC_API_BEGIN

// Of bytes behind others: `before` is their digest; 0: there are none.
uint64_t sc_digest(uint64_t before, const void *bytes, size_t n);

SC_API_END

#endif
