// Processes whose parent was killed, and who would compute on for nobody.
#ifndef SCUTE_ORPHANS_H
#define SCUTE_ORPHANS_H

// From now on what a child of this process has started becomes a child of this one, should the child end first.
void sc_orphans_come_here(void);

// Kills the children of this process that run that program, and waits for their end; forgets others that have
// ended.
void sc_orphans_kill(const char *program);

#endif
