-- .reload [MODULE]: loads a module anew whose file was edited; without a name all of them.
local console = require "scute.base.console"
local errors = require "scute.repl.errors"
local reload = require "scute.repl.reload"
local scute = require "scute"

-- Whether there is a file that require would load under that name.
local function has_file(name)
   return scute.module_file(name) or package.searchpath(name, package.path)
end

-- "train.progress", "scute.train.progress", "mine", "mine.lua", "lib/mine.lua" -> the name of a module that is loaded; nil and
-- the name of one that is not, but has a file.
local function named(text)
   local name = text:gsub("%.lua$", ""):gsub("^%./", ""):gsub("/", ".")
   local names, known = reload.names(), {}
   for _, each in ipairs(names) do known[each] = true end
   for _, each in ipairs { name, "scute." .. name } do
      if known[each] then return each end
   end
   for _, each in ipairs { name, "scute." .. name } do
      if has_file(each) then return nil, each end
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
   local name, unused
   if text ~= "" then name, unused = named(text) end
   if unused then return console.line("%s is not loaded yet: its file will be read as it is then, at first use", unused) end
   local names = name and { name } or reload.changed()
   if #names == 0 then return console.line "no file of a module has changed since it was loaded" end
   if load_all(names) then return false end
   console.line "(a function that was kept in a local variable before stays the old one)"
end
