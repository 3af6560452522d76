#include "host/core/register.h"

void sc_register_backend(ScBackend *backend) {
   sc_add_backend(backend);
}
