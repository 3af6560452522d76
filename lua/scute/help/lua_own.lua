-- What Lua itself brings, a line each: the manual (https://www.lua.org/manual/5.4/) says more.
local LINES = [[
_G: the table of global variables
_VERSION: "Lua 5.4"
assert(value, message): raises the message where value is nil or false; returns its arguments
collectgarbage(option): "collect" frees what nobody holds any more, "count" tells kilobytes
dofile(path): runs a file; returns what it returns
error(message, level): raises an error; level 2 blames the caller, 0 adds no position
getmetatable(value): the metatable of a value, nil where it has none
ipairs(list): for i, value in ipairs(list) do: entries 1, 2, ... up to the first nil
load(text, name, mode, env): a function that runs the text; nil and a message where it is no Lua
loadfile(path, mode, env): the same with the content of a file
next(table, key): the key that follows and its value; without a key the first one
pairs(table): for key, value in pairs(table) do: all entries, in no particular order
pcall(f, ...): true and the results of f(...); false and the error where it raised one
print(...): writes its arguments to standard output, a tab between two
rawequal(a, b): whether two values are the same, whatever their metatables say
rawget(table, key): the entry itself, whatever the metatable says
rawlen(value): the length itself, of a table or a text
rawset(table, key, value): sets the entry itself, whatever the metatable says
require(name): the value of a module, which is loaded once
select(n, ...): the arguments from number n on; select("#", ...) counts them
setmetatable(table, metatable): gives a table a metatable (nil: takes it away); returns the table
tonumber(value, base): the number that a text stands for, nil where it is none
tostring(value): any value as a text
type(value): "nil", "number", "string", "boolean", "table", "function", "thread" or "userdata"
warn(...): writes a warning to standard error, where warnings are on
xpcall(f, handler, ...): as pcall, with handler(error) called where the error was raised
coroutine.close(co): ends a coroutine that waits
coroutine.create(f): a coroutine that will run f
coroutine.isyieldable(co): whether it may yield now
coroutine.resume(co, ...): runs it up to its next yield: true and what it yields, or false and the error
coroutine.running(): the coroutine that runs, and whether it is the main one
coroutine.status(co): "running", "suspended", "normal" or "dead"
coroutine.wrap(f): a function that resumes a coroutine of f at each call
coroutine.yield(...): waits; gives its arguments to who resumed
debug.debug(): a little session on standard input
debug.gethook(thread): the hook that is set
debug.getinfo(f, what): a table about a function or a level of the stack
debug.getlocal(level, i): name and value of a local variable
debug.getmetatable(value): the metatable, whatever it says of itself
debug.getregistry(): the table in which C keeps its values
debug.getupvalue(f, i): name and value of a variable that a function holds
debug.getuservalue(userdata, n): the n-th Lua value tied to a userdata
debug.sethook(hook, mask, count): calls hook at calls, returns, lines or every count instructions
debug.setlocal(level, i, value): sets a local variable
debug.setmetatable(value, metatable): of a value of any type
debug.setupvalue(f, i, value): sets a variable that a function holds
debug.setuservalue(userdata, value, n): ties a Lua value to a userdata
debug.setcstacklimit(limit): does nothing any more
debug.traceback(message, level): the message with the calls that led here
debug.upvalueid(f, i): tells apart the variables that functions hold
debug.upvaluejoin(f, i, g, j): makes two functions share a variable
io.close(file): closes a file
io.flush(): writes out what standard output has kept
io.input(file): the file that io.read reads; sets it where one is given
io.lines(path, ...): for line in io.lines(path) do
io.open(path, mode): a file, mode "r", "w", "a", "rb", ...; nil and a message where that fails
io.output(file): the file that io.write writes; sets it where one is given
io.popen(command, mode): a command of the shell whose output is read ("r") or whose input is written ("w")
io.read(...): from standard input: "l" a line (the default), "n" a number, "a" all, or a number of bytes
io.stderr: the file for messages
io.stdin: the file that is read where nothing else is said
io.stdout: the file that print writes to
io.tmpfile(): a file that is gone when the program ends
io.type(value): "file", "closed file" or nil
io.write(...): texts and numbers to standard output, nothing between them
math.abs(x): without the sign
math.acos(x): radians
math.asin(x): radians
math.atan(y, x): radians, of y / x; x is 1 where it is not given
math.ceil(x): the whole number at or above x
math.cos(x): of radians
math.deg(x): radians in degrees
math.exp(x): e to the power of x
math.floor(x): the whole number at or below x
math.fmod(x, y): the rest of x / y, with the sign of x
math.huge: infinity
math.log(x, base): the natural logarithm, or to a base
math.max(x, ...): the largest of its arguments
math.maxinteger: the largest whole number
math.min(x, ...): the smallest of its arguments
math.mininteger: the smallest whole number
math.modf(x): the whole part and the fraction
math.pi: 3.1415926535898
math.rad(x): degrees in radians
math.random(m, n): a number in [0, 1), a whole one from 1 to m, or from m to n; scute's own numbers are rand and randn
math.randomseed(x): where math.random starts; scute.manual_seed does so for tensors
math.sin(x): of radians
math.sqrt(x): the square root
math.tan(x): of radians
math.tointeger(x): the same number as a whole one, nil where it has a fraction
math.type(x): "integer", "float" or nil
math.ult(m, n): whether m < n where both count as without a sign
os.clock(): seconds of the processor that the program used
os.date(format, time): a date as a text, or with "*t" as a table
os.difftime(later, earlier): seconds between two times
os.execute(command): runs a command of the shell: true or nil, "exit" or "signal", and the number
os.exit(code): ends the program
os.getenv(name): a variable of the environment, or nil
os.remove(path): removes a file; nil and a message where that fails
os.rename(old, new): gives a file another name
os.setlocale(locale, category): how numbers and letters are treated
os.time(table): seconds since 1970, now or of a date
os.tmpname(): the name of a new file for a while
package.config: characters that paths are made of
package.cpath: where require looks for modules in C
package.loaded: the modules that are loaded, by name
package.loadlib(path, name): a function out of a library in C
package.path: where require looks for modules in Lua
package.preload: functions that load modules, by name
package.searchers: how require finds modules
package.searchpath(name, path): the file that require would take
string.byte(s, i, j): the numbers of the bytes from i to j
string.char(...): the text of these bytes
string.dump(f, strip): a function as bytes
string.find(s, pattern, from, plain): first and last place of a match, and its captures; nil where there is none
string.format(format, ...): as printf: %d, %5.2f, %s, %q, ...
string.gmatch(s, pattern): for captures in s:gmatch(pattern) do
string.gsub(s, pattern, replacement, n): s with matches replaced by a text, an entry of a table or a function's result
string.len(s): bytes
string.lower(s): in small letters
string.match(s, pattern, from): the captures of a match, or the match; nil where there is none
string.pack(format, ...): values as bytes
string.packsize(format): bytes that string.pack would give
string.rep(s, n, between): s, n times
string.reverse(s): the bytes from the last to the first
string.sub(s, i, j): the bytes from i to j; negative ones count from the end
string.unpack(format, s, from): values out of bytes
string.upper(s): in capital letters
table.concat(list, between, i, j): the texts of a list as one
table.insert(list, at, value): puts a value into a list, at its end where no place is given
table.move(from, i, j, to, target): copies entries i to j to the places from `to` on
table.pack(...): { n = number of arguments, ... }
table.remove(list, at): takes an entry out, the last one where no place is given; returns it
table.sort(list, less): sorts in place, by < or by less(a, b)
table.unpack(list, i, j): the entries as several values
utf8.char(...): the text of these letters' numbers
utf8.charpattern: a pattern that matches one letter
utf8.codepoint(s, i, j): the numbers of the letters
utf8.codes(s): for place, number in utf8.codes(s) do
utf8.len(s, i, j): letters; nil and a place where the text is no UTF-8
utf8.offset(s, n, i): the byte at which letter n begins
coroutine: functions that wait and go on
debug: looking into a running program
io: files and standard input and output
math: numbers
os: the system: times, files, the environment
package: where modules are found
string: texts; s:upper() is string.upper(s)
table: lists and tables
utf8: texts of letters that take several bytes
and: a and b: a where that is nil or false, else b
break: leaves the loop around it
do: do ... end: a block, whose locals end with it
for: for i = 1, 10 do ... end; for i, value in ipairs(list) do ... end; for key, value in pairs(table) do ... end
function: function name(a, b) ... return a + b end; as a value function(a, b) ... end
goto: goto name goes to ::name:: in the same function
if: if a then ... elseif b then ... else ... end; only nil and false count as no
local: local x = 1: a name for the rest of the block; at the prompt it stays for the next lines
not: not a: true where a is nil or false, else false
or: a or b: b where a is nil or false, else a
repeat: repeat ... until a: at least once; what repeats a tensor is tile
return: what a function or a file gives, at the end of a block
while: while a do ... end
]]

local own = {}

--- Entries as those of scute.help.entries for Lua's own names that are there: name, kind = "lua", signature, text, value.
function own.list()
   local list = {}
   for line in LINES:gmatch "[^\n]+" do
      local signature = line:match "^[%w_.]+%b()" or line:match "^[%w_.]+"
      local name = signature:match "^[%w_.]+"
      local library, key = name:match "^(%w+)%.(.*)$"
      local value
      if library then value = (package.loaded[library] or {})[key] else value = _G[name] end
      if not library and type(value) ~= type(_ENV[name]) then value = nil end -- a variable of the user's
      list[#list + 1] = { name = name, kind = "lua", signature = signature, text = line:sub(#signature + 3),
         value = value }
   end
   return list
end

return own
