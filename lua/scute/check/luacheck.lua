-- The parser of luacheck, on which --check stands. Debian keeps it where Lua 5.1 looks (it is plain Lua, and runs here too).
local console = require "scute.base.console"

-- The folders for Lua 5.1 beside those that package.path names.
local function older_path()
   return (package.path:gsub("/lua/5%.4/", "/lua/5.1/"))
end

local function load_all()
   local function module(name) return require("luacheck." .. name) end
   return module "parser", module "decoder", module "builtin_standards"
end

local function set_of(list)
   local set = {}
   for _, name in ipairs(list) do set[name] = true end
   return set
end

--- {parse(text) -> {tree, comments, offsets = where each line begins, or in place of a tree mistake = what is wrong}, busted =
-- the set of names that busted's tests know}. Ends the program where luacheck is not installed.
return function()
   local path = package.path
   package.path = path .. ";" .. older_path()
   local found, parser, decoder, standards = pcall(load_all)
   package.path = path
   if not found then
      console.fail "--check needs luacheck's parser: 'make deps' installs it, or: sudo apt-get install lua-check"
   end
   local function parse(text)
      local parsed = { offsets = {} }
      local ok, tree, comments = pcall(parser.parse, decoder.decode(text), parsed.offsets, {})
      if ok then
         parsed.tree, parsed.comments = tree, comments
      else
         parsed.mistake = tree
      end
      return parsed
   end
   return { parse = parse, busted = set_of(standards.busted.read_globals) }
end
