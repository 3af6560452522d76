-- .reload [MODULE]: loads a module anew whose file was edited; without a name all of them.
local console = require "scute.base.console"
local errors = require "scute.repl.errors"
local reload = require "scute.repl.reload"
local scute = require "scute"

-- "train.progress", "scute.train.progress", "mine", "mine.lua", "lib/mine.lua" -> the name of a module that is loaded.
local function named(text)
   local name = text:gsub("%.lua$", ""):gsub("^%./", ""):gsub("/", ".")
   local names, known = reload.names(), {}
   for _, each in ipairs(names) do known[each] = true end
   for _, each in ipairs { name, "scute." .. name } do
      if known[each] then return each end
   end
   local near = scute.nearest(name, names)
   console.fail(".reload: no module '%s' is loaded%s", text, near and (", did you mean '%s'?"):format(near) or "")
end

local function load_all(names)
   local failed
   for _, name in ipairs(names) do
      local ok, functions = xpcall(reload.module, errors.describe, name)
      if ok then
         -- A module that adds to a table of another one has put its functions there itself.
         console.line(functions > 0 and "reloaded %s: %s" or "reloaded %s", name, console.count(functions, "function"))
      else
         failed = true
         console.line("not reloaded, all as before: %s: %s", name, functions)
      end
   end
   return failed
end

return function(text)
   reload.note()
   local names = text ~= "" and { named(text) } or reload.changed()
   if #names == 0 then return console.line "no file of a module has changed since it was loaded" end
   if load_all(names) then return false end
   console.line "(a function that was kept in a local variable before stays the old one)"
end
