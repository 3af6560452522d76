-- .reload after edits: of a module of one's own, and of one of scute's, in a copy of its tree.
local lfs = require "lfs"

local OWN = [[
local Counter = {}
Counter.__index = Counter
function Counter:up() self.n = self.n + 1 return self.n end
return { new = function() return setmetatable({ n = 0 }, Counter) end }
]]

local function read_file(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local function write_file(path, text)
   local file <close> = assert(io.open(path, "w"))
   file:write(text)
end

-- Puts `by` in the place of a text in a file.
local function edit(path, text, by)
   local before = read_file(path)
   local first, last = before:find(text, 1, true)
   write_file(path, before:sub(1, assert(first, text) - 1) .. by .. before:sub(last + 1))
end

return function(_, check, scratch, tmux)
   local tree = scratch .. "/tree"
   lfs.mkdir(tree)
   lfs.mkdir(tree .. "/build")
   local program = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]
   os.execute(("cp '%s' '%s/build/scute' && cp -r lua '%s/lua' && ln -s \"$PWD/deps\" '%s/deps'"):format(program, tree,
      tree, tree))
   write_file(tree .. "/mine.lua", OWN)
   local t = tmux.open("build/scute", { folder = tree,
      environment = { XDG_STATE_HOME = tree, XDG_CONFIG_HOME = tree } })

   local function shows(line, wanted)
      local shown = t:enter(line)
      check(shown:find(wanted, 1, true), ("%s: shows %s"):format(line, wanted), shown)
   end

   shows(".reload scute.train", "scute.train is not loaded yet: its file will be read as it is then, at first use")
   shows("c = require('mine').new(); c:up()", "\n1\n")
   shows("layer = scute.nn.Linear(2, 3); layer", "Linear(in_features=2, out_features=3, bias=True)")
   shows(".reload", "no file of a module has changed since it was loaded")

   edit(tree .. "/mine.lua", "self.n + 1", "self.n + 10")
   edit(tree .. "/lua/scute/nn/linear.lua", '"in_features=%d, ', '"from %d, ')
   shows(".reload", "reloaded mine: 2 functions\n")
   shows("c:up()", "\n11\n")
   shows("layer", "Linear(from 2, out_features=3, bias=True)")
   shows("scute.nn.Linear(4, 5)", "Linear(from 4, out_features=5, bias=True)")
   shows("layer(scute.zeros(1, 2)):size(2)", "\n3\n")

   edit(tree .. "/mine.lua", "return self.n", "retrun self.n")
   shows(".reload mine", "not reloaded, all as before: mine: ")
   shows("c:up()", "\n21\n")
   edit(tree .. "/mine.lua", "retrun self.n", "error 'mine'")
   shows(".reload mine.lua", "reloaded mine: 2 functions")
   shows("c:up()", "mine.lua:3: mine")
   t:close()
end
