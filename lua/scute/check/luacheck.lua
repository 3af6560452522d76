-- The parser of luacheck, on which --check stands. Debian keeps it where Lua 5.1 looks (it is plain Lua, and runs here too).
local console = require "scute.base.console"

-- The folders for Lua 5.1 beside those that package.path names.
local function older_path()
   return (package.path:gsub("/lua/5%.4/", "/lua/5.1/"))
end

-- A module of luacheck's.
local function module(name)
   return require("luacheck." .. name)
end

--- {parse(text) -> {tree, comments, offsets = where each line begins, or in place of a tree mistake = what is wrong}, busted =
-- the set of names that busted's tests know}. Ends the program where luacheck is not installed.
return function()
   local path <close> = setmetatable({ package.path }, { __close = function(self) package.path = self[1] end })
   package.path = path[1] .. ";" .. older_path()
   local found, parser = pcall(module, "parser")
   if not found then
      console.fail "--check needs luacheck's parser: 'make deps' installs it, or: sudo apt-get install lua-check"
   end
   local decode, busted = module("decoder").decode, {}
   for _, name in ipairs(module("builtin_standards").busted.read_globals) do busted[name] = true end
   local function parse(text)
      local parsed = { offsets = {} }
      local ok, tree, comments = pcall(parser.parse, decode(text), parsed.offsets, {})
      if ok then
         parsed.tree, parsed.comments = tree, comments
      else
         parsed.mistake = tree
      end
      return parsed
   end
   return { parse = parse, busted = busted }
end
