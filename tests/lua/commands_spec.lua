-- Commands of the session through a pipe, and scripts whose locals stay: what is printed, and the exit code.
local lfs = require "lfs"

local scute, folder = arg[-1], nil

local function write(name, text)
   local path = folder .. "/" .. name
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   return path
end

-- What the session says to lines, with standard error, and its exit code.
local function session(input, arguments)
   local pipe = io.popen(("'%s' %s <'%s' 2>&1"):format(scute, arguments or "", write("input", input)))
   local said = pipe:read "a"
   local _, _, code = pipe:close()
   return said, code
end

setup(function()
   folder = os.tmpname()
   os.remove(folder)
   assert(lfs.mkdir(folder))
end)

teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)

describe("a script before the session", function()
   local SCRIPT = [[
#!/usr/bin/env scute
local LIMIT <const>, text = 5, "a <const> b"
local function double(x) return 2 * x end
local type, early = "mine", nil
shared = { ... }
do local inner = 1 end
if ... == "early" then local deep = 7 return double(deep) end
if ... == "fail" then error "on purpose" end
if ... == "deep" then local function f() return 1 + f() end f() end
if ... == "thread" then coroutine.wrap(function() local own = 1 error "within" end)() end
if ... == "exit" then os.exit(3) end
if ... == "code" then error { exit = 2, message = "a wrong flag" } end
local last = LIMIT + 1
]]
   local SHOW = "LIMIT, text, double and double(4), type(1), inner, deep, last, #shared\n"
   local ALL = "5\ta <const> b\t8\tnumber\tnil\t%s\t%s\t%d\n"
   local NOTE = "note: type of the script stays out of the session, where Lua has something of that name\n"
   local function all(deep, last, n) return ALL:format(deep, last, n) end
   local path

   setup(function() path = write("script.lua", SCRIPT) end)

   it("leaves its locals, however it ended", function()
      for _, case in ipairs { { "", all(nil, 6, 0) }, { "'early' b", all(7, nil, 2) }, { "fail", all(nil, nil, 1) },
         { "deep", all(nil, nil, 1) }, { "thread", all(nil, nil, 1) }, { "code", all(nil, nil, 1) } } do
         for name, said in pairs { i = session(SHOW, ("-i '%s' %s"):format(path, case[1])),
            run = session((".run %s %s\n%s"):format(path, case[1], SHOW)) } do
            assert.equal(NOTE, said:sub(1, #NOTE))
            assert.matches(case[2], said, 1, true, name .. " " .. case[1])
         end
      end
   end)

   it("tells errors as without one, and ends with os.exit", function()
      local said, code = session(SHOW, ("-i '%s' fail"):format(path))
      assert.equal(0, code)
      assert.matches("scute: " .. path .. ":8: on purpose\nstack traceback:", said, 1, true)
      assert.matches("in main chunk", said, 1, true)
      said, code = session(SHOW, ("-i '%s' exit"):format(path))
      assert.same({ "", 3 }, { said, code })
      said, code = session("1\n", ("-i '%s'"):format(write("wrong.lua", "\nx = = 1")))
      assert.same({ ("scute: %s/wrong.lua:2: unexpected symbol near '='\n1\n"):format(folder), 0 }, { said, code })
   end)

   it("may be run in the session, which its end does not end", function()
      local said, code = session((".run '%s' exit\n5\n"):format(path))
      assert.same({ NOTE .. "exit status 3\n5\n", 1 }, { said, code })
      said, code = session((".run %s code\n"):format(path))
      assert.same({ NOTE .. "a wrong flag\n", 1 }, { said, code })
      said = session(('.run %s \'a b\' "c d" e\\ f\nshared, arg[3], arg[0] == %q\n'):format(path, path))
      assert.equal(NOTE .. '{ "a b", "c d", "e f" }\te f\ttrue\n', said)
      said, code = session ".run nothing.lua\n.run\n.run examples/first_tensor.lua\nlocal_of_mine\n"
      assert.matches("cannot open 'nothing.lua': No such file or directory\n.run: expected a script", said, 1, true)
      assert.equal(1, code)
   end)

   it("may have as many locals as Lua allows", function()
      local lines = {}
      for i = 1, 200 do lines[i] = ("local v%d = %d"):format(i, i) end
      local many = write("many.lua", table.concat(lines, "\n") .. "\nif ... then error 'no' end print 'ran'\n")
      assert.equal("ran\nnil\n", (session("v7\n", "-i " .. many)))
      assert.matches("\n7\n$", (session("v7\n", "-i " .. many .. " x")))
   end)
end)

describe("a command", function()
   it("is no line of Lua", function()
      local said, code = session ".5 + 1\n= 7\nexit = 3; exit\n.exit\n8\n"
      assert.same({ "1.5\n7\n3\n", 0 }, { said, code })
      said, code = session ".hlep\n!\n! exit 4\n!kill -9 $$\n!yes | head -n 1\n"
      assert.same({ "there is no command '.hlep', did you mean '.help'?; .help lists them\n"
         .. "!: expected a command of the shell, as in !ls\nexit status 4\nended by signal 9\ny\n", 1 }, { said, code })
   end)

   it("of the shell tells how it ended, also where our parent ignores the end of children", function()
      local program = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
         .. "os.execv(sys.argv[1], sys.argv[1:])"
      local pipe = io.popen(("echo '!exit 3' | python3 -c '%s' '%s' 2>&1"):format(program, scute))
      assert.equal("exit status 3\n", pipe:read "a")
      pipe:close()
   end)

   it("is the first line of a block that is pasted, and takes no more of it", function()
      local run = require("scute.repl.commands").run
      assert.same({ true, true, nil, "\nexit 5\n" }, { run "\n!true\nexit 5\n" })
      assert.same({ true, true, true, "\nx = 1" }, { run "exit\nx = 1" })
      assert.is_false((run "x = 1\nexit"))
   end)

   it("tells what in a script is no Lua", function()
      local path = write("python.lua", "x != 3")
      assert.matches("python.lua:1: syntax error near '!'; not equal is a ~= b[^\n]*\n$", (session(".run " .. path .. "\n")))
   end)

   it("counts no functions of a reloaded module that adds to the table of another one", function()
      write("adds_to.lua", "function string.added() return 1 end return string")
      local said = session(("package.path = '%s/?.lua;' .. package.path\nrequire 'adds_to'\n.reload adds_to\n"):format(folder))
      assert.matches("\nreloaded adds_to\n", said)
   end)

   it("times expressions many times, statements and long ones once", function()
      local said = session "n = 0\nfunction up() n = n + 1; return 42 end\n.time up()\nn > 10\n.time x = up()\n.time\n"
      assert.matches("^[%d.]+ [nµm]*s a run, the best of 5 rounds of %d+ %([%d.]+ [nµm]*s on average; "
         .. "run [%d,]+ times in all%)\n42\ntrue\n[%d.]+ [nµm]*s %(run once%)\n.time: expected", said)
      said = session "w = scute.ones(2):requires_grad_(); loss = w:sum()\n.time loss:backward()\nw.grad:values()\n"
      assert.matches("^[%d.]+ [nµm]*s %(run once%)\n{ 1.0, 1.0 }\n$", said)
      said = session "n = 0\nfunction up() n = n + 1 end\n.time up()\nn\n.time print 'x'\n"
      assert.matches("^[%d.]+ [nµm]*s %(run once%)\n1\nx\n[%d.]+ [nµm]*s %(run once%)\n$", said)
      said = session "n = 0\nfunction up() n = n + 1; return n end\n.time up()\nn\n"
      local told, runs = said:match "run ([%d,]+) times in all%)\n1\n(%d+)\n$"
      assert.equal(runs, (told:gsub(",", "")))
      said = session [[
scute.manual_seed(1); a = scute.randn(2):values(); b = scute.randn(1):item()
scute.manual_seed(1)
.time scute.randn(2):numel()
scute.randn(1):item() == b
]]
      assert.matches("true\n$", said)
      assert.matches("no\n", (session ".time error 'no'\n"), 1, true)
      assert.matches("called with a colon: w:sum", (session "w = scute.ones(2)\n.time w.sum()\n"), 1, true)
   end)

   it("profiles code, and has the profile as the last result", function()
      local said = session "x = scute.ones(4, 4)\n.profile y = x:matmul(x)\n_:by('layer')[1].name\ny[1][1]\n.profile\n"
      assert.matches("^profile of [^\n]+\nop +calls.*\nmatmul +1 .*\n%(no layer%)\n4.0\n.profile: expected", said)
      assert.matches("no\n", (session ".profile error 'no'\n"), 1, true)
   end)

   it("times code of several lines", function()
      local said = session(".time for i = 1, 3 do\n   n = i\nend\nn\n"
         .. ".time (function(x)\n   return x\nend)(7)\n'end'\n")
      assert.matches("^[%d.]+ [nµm]*s %(run once%)\n3\n[%d.]+ [nµm]*s a run, [^\n]+\n7\nend\n$", said)
      local source = require "scute.repl.source"
      assert.is_true(source.is_unfinished "for i = 1, 3 do")
      assert.is_false(source.is_unfinished "for i = 1, 3 do end" or source.is_unfinished "x = = 1" or source.is_unfinished "")
      local run = require("scute.repl.commands").run
      local _, done, _, rest = run(".time for i = 1, 2 do\nend\nx = 1", "=1")
      assert.same({ true, "\nx = 1" }, { done, rest })
   end)

   it("work whatever the user's own variables are called", function()
      local names = {}
      for name in pairs(_G) do
         if type(name) == "string" and name ~= "_G" and name ~= "scute" then names[#names + 1] = name .. " = 1" end
      end
      local said = session(table.concat(names, " ") .. [[

x = { 1, 2, a = scute.ones(2) }
x
nosuch.f()
scute.nn.Liner(3)
.time (1 + 1)
.who
.reload
? conv2d
scute.models.baseline_cnn({ classes = 2 }):freeze "backbone"
_.classes
{ 1 }:f(
)
!echo shell
show(x)
]])
      for _, wanted in ipairs { "{ 1, 2, a = tensor f32 cpu (2) … }\n", "index a nil value (global 'nosuch')\n",
         "did you mean 'scute.nn.Linear'?", "\nx  table, 3 entries", "\nno file of a module has changed",
         "\nscute.conv2d(x, weight",
         "(dropout): Dropout(p=0.3)", '\n{ "1", "2" }\n', "\nshell\n" } do
         assert.is_truthy(said:find(wanted, 1, true), wanted .. ": " .. said)
      end
      assert.is_nil(said:find("lua/scute/", 1, true))
   end)

   it("shows variables and memory", function()
      local said = session "x = scute.zeros(10, 20); m = scute.nn.Linear { 2, 3 }; s = 'a\\nb'\nl = { x, x }\n.who\n.mem\n"
      assert.matches("l  table, 2 entries +1.6 kB\nm  Linear, 9 parameters +36 B\ns  \"a\\nb\"\n"
         .. "x  tensor f32 cpu %(10, 20%) +800 B\ntensors on cpu +[%d.]+ k?B", said)
      assert.matches("\nLua's values .*\nthe process ", said)
      assert.equal("no variables yet\n", (session ".who\n"))
   end)
end)
