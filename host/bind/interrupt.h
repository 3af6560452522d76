// Ctrl-C and SIGTERM as Lua sees them. See host/term/signals.h for what each signal does.
#ifndef SCUTE_BIND_INTERRUPT_H
#define SCUTE_BIND_INTERRUPT_H

#include "host/bind/open.h"

// Installs the handlers; from here on a signal raises "interrupted" in this state or the coroutine it runs.
void sc_interrupt_attach(lua_State *L);
// Before the next computation of a session: nothing is pending and Ctrl-C stops again.
void sc_interrupt_reset(void);
// The state or coroutine whose code runs now: where what C calls back goes on.
lua_State *sc_running_state(void);
// Before the state is closed.
void sc_interrupt_detach(void);

#endif
