// Runs files and code in the Lua state of a program (host/bind/program.h) and tells errors.
#ifndef SCUTE_BIND_RUN_H
#define SCUTE_BIND_RUN_H

#include <stdbool.h>

#include "host/bind/bind.h"

// The field of the registry with the exit code of a script that ends without an error (nil: 0).
#define SC_ENDS_WITH "scute.ends_with"

// Each runs a chunk and returns the exit code: 0; 1 after an error, told on stderr; the code of an error object
// {exit = code, message = text}; 130 or 143 after an interruption.
// path: "-" is standard input. keep: what a file calls local is there in the session that follows.
int sc_run_file(lua_State *L, const char *path, int argc, char **argv, bool keep);
int sc_run_load(lua_State *L, const char *path); // beside which `require` looks from then on too
int sc_run_code(lua_State *L, const char *code, const char *name);
int sc_run_module(lua_State *L, const char *module, const char *argument); // require(module)(argument)

// The session at the prompt: calls require(module).step() again and again until it returns an exit code. Errors
// that escape from it are told, and it goes on.
int sc_run_session(lua_State *L, const char *module);

// The global `scute`, for -e and the REPL.
int sc_run_preload(lua_State *L);

#endif
