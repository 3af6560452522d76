// What keys do in a line that is edited, beside what libedit does with them itself: Tab, pasting, the arrows in
// a block of several lines and through the history, Alt-Enter.
#ifndef SCUTE_LINEKEYS_H
#define SCUTE_LINEKEYS_H

#include <histedit.h>

#include "host/term/completer.h"

void sc_bind_keys(EditLine *, ScCompleter, void *context);

#endif
