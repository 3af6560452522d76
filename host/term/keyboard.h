// Bytes from the terminal, one after the other, and what interrupts waiting for them.
#ifndef SCUTE_KEYBOARD_H
#define SCUTE_KEYBOARD_H

#include <stdbool.h>

// What a change of the terminal asks of whoever draws on it.
typedef struct {
   void (*resized)(void);
   void (*leave)(void);  // before the program stops (Ctrl-Z): the terminal as the shell wants it
   void (*resume)(void); // after that, and whenever the shell may have changed the terminal's settings
} ScScreen;

// Keys are read by sc_key from here on. The terminal is to hand the keys that interrupt over as bytes (-isig):
// within a pasted text they are no keys.
void sc_keyboard_open(const ScScreen *);

// 1 with a byte, 0 at the end of input, -1 where a signal asks to stop or the terminal is gone. The keys that
// interrupt, quit and suspend are signals, as they are elsewhere.
int sc_key(char *byte);

// The same within a pasted text, where no byte is a key.
int sc_pasted_byte(char *byte);

// The byte that follows at once, not taken; 0 where nothing does.
char sc_key_ahead(void);

// Whether the byte is the key that interrupts.
bool sc_key_interrupts(char byte);

// Drops the byte that was read ahead.
void sc_keys_forget(void);

#endif
