-- The program around Lua: scripts, one-liners, exit codes, signals, and the session, through pipes and at a terminal
-- (which the program `script` plays). Usage: scute tests/repl/run.lua
local lfs = require "lfs"

local scute = arg[-1]
local here = arg[0]:match "^(.*)/" or "."
local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))

local tally = dofile(here .. "/../tally.lua")
local check = tally.check

-- ---- running ----

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function write_file(name, text)
   local path = scratch .. "/" .. name
   local file = assert(io.open(path, "w"))
   assert(file:write(text))
   assert(file:close())
   return path
end

local function read_file(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

-- Runs a shell command with `input`; returns standard output, standard error and the exit code.
local function shell(command, input)
   local source = write_file("in", input or "")
   local _, _, code = os.execute(("XDG_STATE_HOME=%s timeout 600 sh -c %s <%s >%s/out 2>%s/err"):format(
      scratch, quote(command), source, scratch, scratch))
   return read_file(scratch .. "/out"), read_file(scratch .. "/err"), code
end

local function expect(name, command, wanted, input)
   local out, err, code = shell(command, input)
   local said = ("out: %s\nerr: %s\ncode: %d"):format(out, err, code)
   if wanted.out then check(out == wanted.out, name .. ": output", said) end
   if wanted.says then check(out:find(wanted.says, 1, true), name .. ": says " .. wanted.says, said) end
   if wanted.err then check(err:find(wanted.err, 1, true), name .. ": error", said) end
   if wanted.silent then check(err == "", name .. ": no error", said) end
   check(code == (wanted.code or 0), name .. ": exit code", said)
end

local function expect_code(name, code, wanted)
   expect(name, scute .. " -e " .. quote(code), wanted)
end

local function expect_script(name, text, wanted, arguments)
   local path = write_file("script.lua", text)
   expect(name, scute .. " " .. path .. " " .. (arguments or ""), wanted)
end

-- ---- scripts and options ----

expect_script("arguments", "print(arg[1], arg[2], #arg, ...)", { out = "a\tb c\t2\ta\tb c\n", silent = true }, "a 'b c'")
expect_script("no globals for scripts", "print(rawget(_G, 'scute'))", { out = "nil\n" })
expect_script("an error", "local x\nlocal function f()\n  return x.y\nend\nprint(f())",
   { err = "script.lua:3: attempt to index a nil value (upvalue 'x')", code = 1 })
expect_script("its traceback", "local x\nlocal function f()\n  return x.y\nend\nprint(f())",
   { err = "script.lua:5: in main chunk", code = 1 })
expect_script("whose line it is", "local scute = require 'scute'\n\nscute.models.create 'resnet5'\n",
   { err = "script.lua:3: models: unknown model 'resnet5'", code = 1 })
expect_script("folded frames", "local scute = require 'scute'\nscute.models.create 'resnet5'\n",
   { err = " frames of scute\n\t" .. scratch .. "/script.lua:2: in main chunk", code = 1 })
expect("all frames", ("SCUTE_TRACEBACK=1 %s %s/script.lua"):format(scute, scratch), { err = "lua/scute/models.lua", code = 1 })
expect_script("no require", "print(scute.zeros(3))",
   { err = "script.lua:1: undeclared name 'scute'; a file that uses it begins with: local", code = 1 })
expect_script("a stack that is full", "local function f() return 1 + f() end\nf()",
   { err = "script.lua:1: stack overflow", code = 1 })
expect_script("a mistake in the text", "x = = 1", { err = "script.lua:1: unexpected symbol near '='", code = 1 })
expect_script("an error object with a code", "error { exit = 2, message = 'wrong flag' }",
   { err = "scute: wrong flag\n", code = 2 })
expect_script("os.exit with a number", "io.write 'done' os.exit(7)", { out = "done", silent = true, code = 7 })
expect_script("os.exit(true)", "os.exit(true)", { code = 0 })
expect_script("os.exit(false)", "os.exit(false)", { code = 1 })
expect_script("os.exit closes what is open", "setmetatable({}, { __gc = function() print 'closed' end }) os.exit(0)",
   { out = "closed\n" })
expect_script("the end closes what is open", "X = setmetatable({}, { __gc = function() print 'closed' end })",
   { out = "closed\n" })
expect_script("no bytecode", "\27Lua", { err = "attempt to load a binary chunk", code = 1 })
expect("standard input as a script", scute .. " - 1 2", { out = "5\t1\t2\n" }, "local x = 5\nprint(x, ...)\n")
expect("a missing file", scute .. " nothing.lua", { err = "scute: cannot open 'nothing.lua': No such file", code = 1 })
expect("an unknown option", scute .. " --hepl", { err = "unknown option '--hepl' (did you mean '--help'?)", code = 2 })
expect("-e without code", scute .. " -e", { err = "-e needs a line of code", code = 2 })
expect("--help", scute .. " --help", { says = "usage: scute", silent = true })
expect("--version", scute .. " --version", { says = "Lua 5.4", silent = true })
expect("threads from the environment", "SCUTE_THREADS=1 " .. scute .. " --version", { says = "1 thread)" })
expect("a wrong number of threads", "SCUTE_THREADS=many " .. scute .. " -e 1", { err = "found 'many'", code = 2 })
expect("two lines of code", scute .. " -e 'x = 2' -e 'print(x, scute ~= nil)'", { out = "2\ttrue\n" })
expect("code, then a file", scute .. " -e 'x = 3' " .. write_file("x.lua", "print(x)"), { out = "3\n" })
expect("a full disk", scute .. " -e 'print(1)' >/dev/full", { err = "cannot write to standard output", code = 1 })
expect("a full disk and os.exit", scute .. " -e 'print(1) os.exit(0)' >/dev/full",
   { err = "cannot write to standard output", code = 1 })
expect("a reader that went away", "(" .. scute .. " -e 'for i = 1, 1e5 do print(i) end'; echo $? >&2) | head -n 1",
   { out = "1\n", err = "1\n" })

expect_code("an error object that fails", [[
   error(setmetatable({}, { __index = function() error "index" end, __tostring = function() error "text" end }))]],
   { err = "text", code = 1 })
expect_code("an exit message that fails", [[
   error { exit = 7, message = setmetatable({}, { __tostring = function() error "text" end }) }]], { err = "text", code = 1 })
expect_code("an exit message", "error { exit = 7, message = 'enough' }", { err = "scute: enough\n", code = 7 })

-- ---- what a terminal would take for commands ----

local ESCAPES = "\27[31m red \7 \xC2\x9B31m"
local hostile = scratch .. "/hostile.safetensors"
local READ = ("state = scute.weights.load %q; name = state.names[1]\n"):format(hostile)

-- Whether nothing of it reaches standard output or standard error, but that something was there.
local function tame(name, command, input)
   local out, err = shell(command, input)
   check(not (out .. err):gsub("[\n\t]", ""):find "%c", name .. ": no control character", out .. err)
   check(not (out .. err):find "\xC2[\x80-\x9F]", name .. ": nor one of two bytes", out .. err)
   check((out .. err):find("?[31m red", 1, true), name .. ": the rest is there", out .. err)
end

check(os.execute(("%s -e %s"):format(scute, quote(([[
   local name = %q
   scute.weights.save(%q, { names = { name }, tensors = { [name] = scute.ones(1) } }, { [name] = name })]]):format(ESCAPES,
   hostile)))), "a file with escape sequences in its names", "not written")
for name, code in pairs {
   ["an error of one's own"] = "error(name)",
   ["an error object"] = "error { exit = 3, message = name }",
   ["an error of the library"] = "scute.weights.copy({ names = {}, tensors = {} }, state)",
   ["an error of the core"] = "scute.weights.load(name)",
   ["a message of the core that is caught"] = "print(select(2, pcall(scute.weights.load, name)))",
   ["lines and warnings"] = "local c = require 'scute.base.console'; c.line('%s', name); c.warn('%s', name); c.say(name)",
   ["a guarded error"] = "require('scute.base.console').guard(name, error, name)",
   ["a usage error"] = "scute.cli.usage_error('%s', name)",
   ["a prediction"] = "require('scute.predict').print { photos = { { path = name, top = { { class = name, probability = 1 }, "
      .. "{ class = name, probability = 0 } } } } }",
} do tame(name, scute .. " -e " .. quote(READ .. code)) end
for name, code in pairs { ["text"] = "name", ["a table"] = "state.names", ["a table by name"] = "state.metadata",
   ["a longer one"] = "{ name, { name, [name] = name }, 'and so on, and so on, and so on, and so on' }",
   ["an error"] = "error(name)", ["its object"] = "error { exit = 3, message = name }",
   ["a syntax error"] = "x = 1 '" .. ESCAPES .. "'",
   ["what has a __tostring"] = "setmetatable({}, { __tostring = function() return name end })" } do
   local shown = code:find "^state" or code:find "^{"
   if shown then code = code .. ", name" end -- tables show \27 as Lua would write it
   tame("in the session, " .. name, scute, READ .. code .. "\n")
end
expect_code("what a script prints itself", "print '\27[1mbold\27[0m'", { out = "\27[1mbold\27[0m\n" })

-- Memory of tensors that runs out is an error object too.
local STARVE = "scute.memory_limit(1000) scute.zeros(1e6)"
expect_code("tensors without memory", STARVE, { err = "scute: (command line):1: out of memory on cpu", code = 1 })
expect_code("tensors without memory, with a traceback", STARVE, { err = "in main chunk", code = 1 })
do
   local out, err, code = shell(scute .. " " .. write_file("starve.lua", [[
      local scute = require "scute"
      scute.cli.parse(arg, "Starves", {})
      local net, x = scute.nn.Sequential { scute.nn.Linear { 10, 1000 } }, scute.zeros(1000, 10)
      scute.memory_limit(1000)
      net(x)]]))
   check(code == 1 and out == "" and err:find "^scute: in 0 %(Linear%): [^\n]*out of memory on cpu[^\n]*\n$",
      "tensors without memory, in a script with a command line: one line", err)
end

-- Code that fills all memory, in a shell that lets it have little.
local LITTLE, FILL = "ulimit -v 2000000; ", "t = {} while true do t[#t + 1] = ('x'):rep(2^24) .. #t end"
expect("memory ends", LITTLE .. scute .. " -e " .. quote(FILL), { err = "scute: not enough memory", code = 1 })
expect("what a limit of addresses allows is for tensors", "ulimit -v 4600000; " .. scute .. " -e "
   .. quote "t = {} for i = 1, 30 do t[i] = scute.zeros(4000000) end print(#t)", { out = "30\n", silent = true })

-- ---- signals ----

local begun = scratch .. "/begun"
local BEGIN = ("io.open('%s', 'w'):close(); "):format(begun)

-- Code with which a process sends this one signals from outside: the first once the code has come to BEGIN.
local function signalled(first, second)
   os.remove(begun)
   return ("os.execute('(for i in $(seq 3000); do [ -e %s ] && break; sleep 0.02; done; kill -%s $PPID%s) "
      .. ">/dev/null 2>&1 &'); "):format(begun, first, second and ("; sleep 0.6; kill -%s $PPID"):format(second) or "")
end

local FOREVER = "while true do end"
expect_code("Ctrl-C", signalled "INT" .. BEGIN .. FOREVER, { err = "scute: interrupted", code = 130 })
expect_code("SIGTERM", signalled "TERM" .. BEGIN .. FOREVER, { err = "scute: interrupted", code = 143 })
expect_code("a pcall swallows nothing", signalled "INT" .. BEGIN ..
   "while true do pcall(function() while true do end end) end", { code = 130 })
expect_code("in a coroutine", signalled "INT" .. BEGIN .. "coroutine.wrap(function() while true do end end)()",
   { code = 130 })
expect_code("clean-up code runs", signalled "INT" ..
   "local x <close> = setmetatable({}, { __close = function() print 'closed' end }) " .. BEGIN .. FOREVER,
   { out = "closed\n", code = 130 })
expect_code("finishing what it does", "scute.on_interrupt 'finish' " .. signalled "INT" .. BEGIN ..
   "while not scute.interrupted() do end print('saved', scute.interrupted())", { out = "saved\tSIGINT\n", code = 130 })
expect_code("the second one is at once", "scute.on_interrupt 'finish' " .. signalled("INT", "INT") .. BEGIN ..
   "while true do pcall(function() end) end", { code = 130 })
expect_code("the second one in a long call", signalled("TERM", "TERM") .. BEGIN ..
   "(('a'):rep(1e5)):find(('a*'):rep(30) .. 'b')", { code = 143 })
expect_code("an ignored signal stays ignored", "print(scute.on_interrupt 'finish', scute.on_interrupt 'stop')",
   { out = "stop\tfinish\n" })

-- Coroutines behave as Lua's own.
expect_code("wrapped coroutines", [[
   local g = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) error("boom " .. b) end)
   print(g(1)) print(pcall(g, 5)) print(pcall(g))
   print(coroutine.resume(coroutine.create(function(...) return select("#", ...) end), nil, nil))
   for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do io.write(i, " ") end]],
   { out = "2\nfalse\t(command line):1: boom 5\nfalse\tcannot resume dead coroutine\ntrue\t2\n1 2 3 " })

-- ---- the session, through a pipe ----

local function session(name, input, wanted)
   expect(name, scute, wanted, input)
end

session("shows values", "1 + 1\n'a', nil, 2.5\n= 7\nx = 3\nx = x * 2; x\n", { out = "2\na\tnil\t2.5\n7\n6\n", silent = true })
session("quotes within quotes", [[x = "\"; no" ; x .. 'y;\''
]], { out = "\"; noy;'\n", silent = true })
session("keeps locals", "local a, b = 1, 2\nlocal function f() return a + b end\nlocal c\nf(), c\n", { out = "3\tnil\n" })
session("a local that functions change", "local n = 0\nlocal function up() n = n + 1 end\nup()\nup()\nn\n", { out = "2\n" })
session("locals of functions stay theirs", "function f() local inner = 1 return inner end\nf(), inner\n", { out = "1\tnil\n" })
session("attributes belong to their scope", "local x <const> = 4; x\nx\n", { out = "4\nnil\n" })
session("a chunk that fails leaves no locals",
   "local a = 1\nlocal a, b = 2, 3; local function c() end; d = 4; error 'no'\na, b, c, d\n",
   { out = "1\tnil\tnil\t4\n", err = "input:1: no", code = 1 })
session("what they held is collected", "local s = ('x'):rep(3e8); error 'no'\ncollectgarbage 'count' > 2e5\n"
   .. "collectgarbage()\ncollectgarbage 'count' > 2e5\n", { says = "0\nfalse\n", code = 1 })
session("chunks of several lines",
   "for i = 1, 2 do\n  print(i)\nend\nlocal s = [[\nlocal x]]; s\n", { out = "1\n2\nlocal x\n" })
session("the last result", "6 * 7\n_ + 1\n", { out = "42\n43\n" })
session("the last three that were not nil", "10\n20\nnil\nnil, 5\n_, _1;\n_, _1, _2\nfalse\n_\n",
   { out = "10\n20\nnil\nnil\t5\n20\t20\t10\nfalse\nfalse\n", silent = true })
session("a ; at the end silences", "1;\n_\nx = 2; x; -- quiet\n_\n'a;'\ny = 5; 'b'\n[[c]]; --[[ d ]]\nerror 'no';\n",
   { out = "1\n2\na;\nb\n", err = "input:1: no", code = 1 })
session("a method that returns its own object",
   "t = { net = scute.nn.Sequential { scute.nn.Linear { 2, 3 }, scute.nn.ReLU {} } }\nt.net:eval()\nt['net']:train()\n"
      .. "t.net:eval():train(), 1\nt.net:child '0'\nt.net\n",
   { out = ([[
Sequential: 9 parameters, all train; in evaluation mode   (_ shows all of it)
Sequential: 9 parameters, all train; in training mode   (_ shows all of it)
Sequential: 9 parameters, all train; in training mode   (_ shows all of it)	1
Linear(in_features=2, out_features=3, bias=True)
Sequential(
  (0): Linear(in_features=2, out_features=3, bias=True)
  (1): ReLU()
)
]]), silent = true })
session("all of a value", "t = {} for i = 1, 100 do t[i] = i end; t;\nshow(_)\n", { says = "99, 100\n}\n", silent = true })
session("tables", "{ 1, 'two', x = { 3, y = {} }, [true] = 0.5 }\n{}\n",
   { out = '{ 1, "two", [true] = 0.5, x = { 3, y = {} } }\n{}\n' })
session("long tables", "t = {} for i = 1, 100 do t[i] = i end; t\n", { says = "… 60 more" })
session("tensors", "scute.tensor { 1, 2 } * 2\n", { says = "tensor" })
session("an error leaves it alive", "error 'first'\n'second'\n", { out = "second\n", err = "input:1: first", code = 1 })
session("errors of functions show where", "function f() error 'deep' end\nf() print(1)\n",
   { err = "in function 'f'", code = 1 })
session("error objects", "error { exit = 2, message = 'sorry' }\n1\n", { out = "1\n", err = "sorry", code = 1 })
session("a __tostring that fails", "setmetatable({}, { __tostring = function() error 'bad' end })\n1\n",
   { out = "1\n", err = "bad", code = 1 })
session("an error object that fails",
   "error(setmetatable({}, { __index = function() error 'index' end }))\n1\n", { out = "1\n", err = "index", code = 1 })
session("tensors without memory", STARVE .. "\nok, e = pcall(scute.zeros, 1e6)\n'it says: ' .. e\n",
   { says = "it says: out of memory on cpu", err = "input:1: out of memory on cpu", code = 1 })
session("the stack overflows", "function r() return 1 + r() end\nr()\n'alive'\n",
   { out = "alive\n", err = "stack overflow", code = 1 })
expect("memory ends in a session", LITTLE .. scute, { out = "alive\n", err = "not enough memory", code = 1 },
   FILL .. "\nt = nil\n'alive'\n")
session("tensors too large", "scute.zeros(1e6, 1e6)\n'alive'\n", { out = "alive\n", err = "input:1:", code = 1 })
session("an incomplete end", "x = {\n", { err = "near <eof>", code = 1 })
session("os.exit", "os.exit(4)\nprint 'never'\n", { out = "", code = 4 })
session("nothing", "", { out = "", silent = true })
session("what follows is the program's input", "line = io.read()\nthis\nline\n", { out = "this\n" })
expect("a file, then the session", scute .. " -i " .. write_file("y.lua", "y = 5"), { out = "5\n" }, "y\n")

session("help", "help()\n", { says = 'help "conv2d"', silent = true })
session("help of an op", 'help "add"\n', { says = "element by element" })
session("help of a function held", "help(scute.no_grad)\n", { says = "scute.no_grad(f, ...)" })
session("help of a function in Lua", 'help "weights.load"\n', { says = "Reads a .safetensors" })
session("help of a method", 'help "t:item"\n', { says = "the only value" })
session("help of a family", 'help "weights"\n', { says = "Weight files" })
session("help of an option", 'help "epochs"\n', { says = "the option 'epochs' of", silent = true })
session("help of nothing", 'help ""\n', { says = 'help "conv2d"', silent = true })
session("help of what is longer than a screen, which only a terminal has", 'help(scute.zeros(1))\n', { says = "t:zero_grad" })
expect("no pager through a pipe", "PAGER='echo paged' " .. scute, { says = "families:", silent = true }, "help()\n")
session("? and a name", "? t:item\n1 + 1\n", { says = "the only value", silent = true })
session("a name and ?", "scute.nn.Linear ?\n", { says = "scute.nn.Linear { in_features", silent = true })
session("?? and a word", "?? weight_decay\n", { says = "optim.sgd { weight_decay }", silent = true })
session("help of nil", 'help(nil)\n', { says = 'help "conv2d"', silent = true })
session("help of what is not there", 'help "ad"\n', { says = "did you mean 'add'?" })

-- ---- completion ----

local function expect_names(before, wanted)
   expect_code("completion of " .. before, ([[
      local complete = require "scute.repl.complete"
      t, deep = scute.zeros(2), { inner = { name_one = 1, name_two = 2, call = function() end }, list = { { leaf = 1 } } }
      net = scute.nn.Sequential()
      net:add("first", scute.nn.Linear { 2, 3 })
      picture = scute.canvas(4, 4):render()
      print(table.concat(complete.candidates %q, " "))]]):format(before), { says = wanted })
end

expect_names("pri", "print\n")
expect_names("deep.inner.na", "name_one name_two\n")
expect_names("deep.inner:", "call\n")
expect_names("f(deep.list[1].", "leaf\n")
expect_names("t.sha", "shape\n")
expect_names("t:requires", "requires_grad_\n")
expect_names("picture.w", "width\n")
expect_names("picture:res", "resize resized_crop\n")
expect_names("scute.zeros(2):requires", "requires_grad_\n")
expect_names("x = scute.weig", "weights")
expect_names("net.first.wei", "weight\n")
expect_names("net:num_p", "num_parameters\n")
expect_names("scute.models.resnet1", "resnet101 resnet152 resnet18\n")
expect_names("whi", "while\n")
expect_names('io.open("' .. here .. "/ru", "run.lua\n")

-- ---- at a terminal ----

-- What the typing waits for, at most a minute: more than $1 bytes on the screen with a prompt at their end; a file; the end.
local WAITS = [[
size() { stat -c %s "$screen" 2>/dev/null || echo 0; }
await() { for i in $(seq 3000); do eval "$1" && break; sleep 0.02; done; }
prompt() { await '[ $(size) -gt '$1' ] && [ "$(tail -c 2 $screen)" = "> " ]'; }
]]

-- Types texts and returns what the terminal showed. What follows a line or Ctrl-C is typed once there is a prompt again,
-- unless it is one of these: "@FILE" waits for a file, "~TEXT" for a text behind what was there when the last was typed, ">"
-- for a prompt, "." for the end, and "" for a while.
local function type_in(texts)
   local screen = scratch .. "/screen"
   os.remove(screen)
   local typing = { WAITS .. "screen=" .. quote(screen), "prompt 0" }
   for i, text in ipairs(texts) do
      local file, following = text:match "^@(.*)", texts[i + 1] or "."
      if file then typing[#typing + 1] = ("await '[ -e %s ]'"):format(file)
      elseif text:find "^~" then
         typing[#typing + 1] = ("await 'tail -c +$((before + 1)) $screen | grep -qF %s'"):format(text:sub(2))
      elseif text == ">" then typing[#typing + 1] = "prompt 0"
      elseif text == "." then typing[#typing + 1] = [[await 'grep -q "^Script done" $screen']]
      elseif text == "" then typing[#typing + 1] = "sleep 0.3"
      else
         typing[#typing + 1] = ("before=$(size); printf %s"):format(quote(text))
         local done = text:find "\\n$" or text:find "\\003$"
         if done and not following:find "^[@~>.]" and following ~= "" then typing[#typing + 1] = "prompt $before" end
      end
   end
   local command = ("(%s) | NO_COLOR=1 TERM=xterm SHELL=/bin/sh script -qefc %s %s"):format(table.concat(typing, "\n"),
      quote("exec " .. scute), quote(screen)) -- a shell between would be interrupted too
   local out, _, code = shell(command)
   return out:gsub("\r", ""):gsub("\27%[%?2004[hl]", ""), code -- without the brackets for what is pasted
end

local function expect_typed(name, texts, wanted, wanted_code)
   local out, code = type_in(texts)
   for _, text in ipairs(wanted) do check(out:find(text, 1, true), name .. ": shows " .. text, out) end
   check(code == (wanted_code or 0), name .. ": exit code", code)
end

expect_typed("banner and prompt", { "20 + 22\\n", "\\004" }, { "Ctrl-D leaves", "> 20 + 22\n42\n" })
os.remove(begun)
expect_typed("Ctrl-C stops a computation", { "x = 1\\n", BEGIN .. FOREVER .. "\\n", "@" .. begun, "\\003", "x + 1\\n",
   "\\004" }, { "interrupted", "> x + 1\n2\n" })
expect_typed("Ctrl-C at the prompt drops the line", { "error(1) \\003", "5\\n", "\\004" }, { "^C\n", "> 5\n5\n" })
expect_typed("Ctrl-C drops an unfinished chunk", { "for i = 1, 2 do\\n", "\\003", "6\\n", "\\004" }, { ">> ", "> 6\n6\n" })
expect_typed("errors do not end it, nor its exit code", { "error(1)\\n", "7\\n", "\\004" }, { "> 7\n7\n" })
-- The line is drawn anew behind a "G", which moves the cursor.
expect_typed("Tab completes", { "scu\\t", "~G", ".zero\\t", "~G", "(2):item\\t", "~G", "()\\n", "\\004" },
   { "expected a tensor with one element" })
expect_typed("the history stays", { "\\020\\n", "\\004" }, { "expected a tensor with one element" })
expect_typed("letters beyond ASCII", { "'gr\\303\\266n'\\n", "\\004" }, { "grön\n" })
-- Training: the first Ctrl-C finishes the step and saves, the second is at once; the prompt comes back, the model is usable.
dofile(here .. "/../cli/photos.lua").set(scratch .. "/photos", { blue = 14, red = 13 })
local MODEL = ("set = scute.data.open('%s/photos', {}); m = scute.models.create('resnet18', { classes = set.classes, "
   .. "image_size = 32 })\\n"):format(scratch)
local FIT = "scute.train.fit(m, set, { optimizer = scute.optim.sgd(m:groups { lr = 0.001 }), epochs = 1000000, workers = 1, "
   .. "batch_size = 4, output_dir = '%s', hooks = { { on_step_end = function() %s end } } })\\n"
local USE = "n = m:eval()(scute.zeros(1, 3, 32, 32)).shape[2]; io.open('%s/used', 'w'):close(); n + 40\\n"
local fit, loop = scratch .. "/fit", scratch .. "/loop"
expect_typed("Ctrl-C in training", { MODEL, FIT:format(fit, ""), "@" .. fit .. "/resnet18/history.csv", "\\003",
   "@" .. fit .. "/resnet18/last.safetensors", ">", USE:format(fit), "@" .. fit .. "/used", ">", "\\004" },
   { "stopped in epoch", "/fit/resnet18/last.safetensors", "n + 40\n42\n" })
check(lfs.attributes(fit .. "/resnet18/checkpoint.safetensors"), "Ctrl-C in training: saved", "no checkpoint")
local STEP = ("io.open('%s/step', 'w'):close() while true do end"):format(loop)
expect_typed("two Ctrl-C in training", { MODEL, FIT:format(loop, STEP), "@" .. loop .. "/step",
   "\\003", "", "", "", "\\003", USE:format(loop), "@" .. loop .. "/used", ">", "\\004" }, { "interrupted", "n + 40\n42\n" })

expect_typed("SIGTERM at the prompt", { "os.execute('(sleep 0.2; kill -TERM $PPID) &')\\n", "." }, {}, 143)
check(read_file(scratch .. "/scute/history"):find("20 + 22", 1, true), "history file", "no line")

os.execute("rm -rf " .. quote(scratch))
tally.finish()
