-- Strict names, as scripts and modules of one's own run.
return function(cli, photos)
   local check, shell = cli.check, cli.shell

   -- Runs a script of this text; `helpers` is a module beside it. Returns what cli.shell does.
   local function run(text, helpers)
      photos.write_file(cli.scratch .. "/names/script.lua", text)
      photos.write_file(cli.scratch .. "/names/helpers.lua", helpers or "return {}")
      return shell "$S $T/names/script.lua"
   end

   local function says(name, text, message, helpers)
      local r = run(text, helpers)
      check(r.code == 1 and r.err:find(message, 1, true), name, r.all)
   end

   local function prints(name, text, expected, helpers)
      local r = run(text, helpers)
      check(r.code == 0 and r.out == expected and r.err == "", name, r.all)
   end

   local function refuses_undeclared_names()
      says("a global", "rate = 1\n\nprint(raet)", "script.lua:3: undeclared name 'raet'; did you mean 'rate'?")
      says("a local", "local rate = 1\nprint(raet)", "script.lua:2: undeclared name 'raet'; did you mean 'rate'?")
      says("a local around a function", "local rate = 1\nlocal function f() return raet end\nprint((f()))",
         "script.lua:2: undeclared name 'raet'; did you mean 'rate'?")
      says("one that is like nothing", "print(zzz)", "undeclared name 'zzz'; nothing has assigned it (_G.zzz asks")
      says("one of PyTorch", "print(torch.zeros(3))",
      "undeclared name 'torch'; there is no torch here, but scute.zeros with: local scute")
      says("one of Python", "print(len 'x')", "undeclared name 'len'; in Lua it is #x")
      says("one of Lua 5.1", "print(unpack {})", "undeclared name 'unpack'; in Lua 5.4 it is table.unpack")
      says("one of the library", "print(zeros(3))", "undeclared name 'zeros'; did you mean 'scute.zeros'?")
      says("one that is another word for an option", "local optimizer = 1\nprint(optimizer .. lr)",
         "undeclared name 'lr'; nothing has assigned it")
      says("one in a coroutine", "coroutine.wrap(function() return (zzz) end)()", "script.lua:1: undeclared name 'zzz'")
      says("one that a tail call reads", "local function f() return tostring(zzz) end\nreturn f()",
         "script.lua:1: undeclared name 'zzz'")
      says("one of a module", "require('helpers').f()", "helpers.lua:2: undeclared name 'zzz'",
         "local m = {}\nfunction m.f() return tostring(zzz) end\nreturn m")
      local r = run "print(zzz)"
      check(not r.err:find("metamethod", 1, true), "the stack has lines of the script only", r.all)
      r = shell "echo 'print(zzz)' | $S -; $S -e 'print(zzz)'"
      check(r.err:find "stdin:1: undeclared" and r.err:find "%(command line%):1: undeclared", "standard input and -e", r.all)
   end

   local function refuses_assignments_in_functions()
      says("an assignment in a function", "local function f() count = 1 end\nf()",
         "undeclared name 'count' is assigned inside a function; 'local count = ...' makes a variable of the function")
      says("a near name", "local counter = 0\nlocal function f() conter = counter + 1 end\nf()",
         "script.lua:2: undeclared name 'conter' is assigned inside a function; did you mean 'counter'? 'local conter = ...'")
      says("a function in a function", "local function f() function g() end end\nf()", "undeclared name 'g' is assigned")
   end

   local function lets_files_declare()
      prints("top level", "x = 1\nfunction f() return x end\nprint(f())", "1\n")
      prints("nil", "x = nil\nlocal function f() x = 2 end\nprint(x)\nf()\nprint(x)", "nil\n2\n")
      prints("between files", "require 'helpers'\nprint(shared)\nshared = 8\nprint(read())", "7\n8\n",
         "shared = 7\nfunction read() return shared end")
      prints("asking", "print(rawget(_G, 'zzz'), _G.zzz, _G[1], _PROMPT)", "nil\tnil\tnil\tnil\n")
      prints("saying so", "local function f(name) _G[name], _G.b = 1, 2 end\nf 'a'\nprint(a, b)", "1\t2\n")
      prints("an environment of its own", "local _ENV = { print = print }\nx = 1\nprint(x, y)", "1\tnil\n")
      prints("a text that is loaded", "print(load 'return zzz' ())", "nil\n")
      prints("dofile", "dofile(arg[0]:gsub('script', 'helpers'))\nprint(shared)", "7\n", "shared = 7")
   end

   local function leaves_others_alone()
      photos.write_file(cli.scratch .. "/tree/share/lua/5.4/old.lua", "found = jit or unpack\nreturn function() made = 1 end")
      photos.write_file(cli.scratch .. "/lib/older.lua", "return function() made = jit end")
      photos.write_file(cli.scratch .. "/names/installed.lua", "package.path = os.getenv 'T' .. '/tree/share/lua/5.4/?.lua;'"
         .. " .. os.getenv 'T' .. '/lib/?.lua'\nrequire 'old' ()\nrequire 'older' ()\nprint(made, found)")
      local r = shell "$S $T/names/installed.lua"
      check(r.code == 0 and r.out == "nil\tnil\n", "installed libraries", r.all)
      photos.write_file(cli.scratch .. "/names/kept.lua", "local x = 1\nfunction f() return zzz end")
      photos.write_file(cli.scratch .. "/names/typed", "print(zzz)\nlocal function g() made = 2 end g() print(made)\n.run "
         .. cli.scratch .. "/names/kept.lua\nf()\n")
      r = shell "$S <$T/names/typed"
      check(r.out:find "nil\n2\n" and r.err:find("kept.lua:2: undeclared name 'zzz'", 1, true), "a session and .run", r.all)
      r = shell "echo 'print(zzz, x)' | $S -i $T/names/kept.lua"
      check(r.code == 0 and r.out:find "nil\t1", "a session after a script", r.all)
   end

   return { refuses_undeclared_names, refuses_assignments_in_functions, lets_files_declare, leaves_others_alone }
end
