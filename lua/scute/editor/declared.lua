-- The flags that a script of one's own declares, for Tab in a shell. Its text runs up to cli.parse, where the table of flags is
-- made, but in a world in which nothing can happen: no files, no commands, no other modules; of scute there is cli, and all
-- else answers to everything and does nothing. It has so many steps, and the shell gives it so many seconds.
local options = require "scute.base.options"
local scripts = require "scute.editor.scripts"
local scute = require "scute"

local STEPS = 1e7 -- instructions of Lua's

-- ---- the world of the script ----

local function same(self) return self end

local INERT = { __index = same, __call = same, __newindex = function() end, __concat = function() return "" end,
   __len = function() return 0 end, __close = function() end }
for name in ("add sub mul div mod pow unm idiv"):gmatch "%S+" do INERT["__" .. name] = same end
for name in ("eq lt le"):gmatch "%S+" do INERT["__" .. name] = function() return false end end

local inert = setmetatable({}, INERT)

local PURE = {}
for name in ([[assert error ipairs next pairs pcall rawequal rawget rawlen rawset select setmetatable getmetatable tonumber
   tostring type xpcall math string table utf8 coroutine]]):gmatch "%S+" do
   PURE[name] = _ENV[name]
end

-- found(flags): hears of the table that cli.parse is given.
local function world(found)
   local cli = setmetatable({ parse = function(_, _, flags) found(flags) end }, { __index = scute.cli })
   local models = setmetatable({ list = scute.models.list }, INERT)
   local library = setmetatable({ cli = cli, models = models }, INERT)
   local known = { scute = library, ["scute.cli"] = cli, ["scute.models"] = models }
   return setmetatable({
      require = function(name) return known[name] or inert end,
      print = function() end, arg = {}, os = setmetatable({ getenv = os.getenv }, INERT), _G = inert,
   }, { __index = function(_, name)
      if PURE[name] ~= nil then return PURE[name] end
      return inert
   end })
end

-- What the script gives to cli.parse; nil where it does not come to that.
local function flags_of(path)
   local flags
   local ended = {}
   local chunk = loadfile(path, "t", world(function(given)
      flags = given
      error(ended, 0)
   end))
   local work = chunk and coroutine.create(chunk)
   if not work then return nil end
   debug.sethook(work, function() error("too many steps", 0) end, "", STEPS)
   coroutine.resume(work)
   return flags
end

-- ---- as lines ----

local function line_of(entry)
   local name = entry.argument and "@words" or "--" .. entry[1]
   local follows = entry.flag and "@flag" or scripts.words_of(entry)
   return ("%s\t%s\t%s"):format(name, follows, (tostring(entry.help or ""):gsub("%s+", " ")))
end

local declared = {}

--- The flags of a script as lines of three parts with tabs between them: a name (@words: words without one), what may follow it
-- (@flag: nothing; words, @files, @folders, @none), and what it is. "" where it declares none.
function declared.text(path)
   local flags = flags_of(path)
   local ok, declaration = pcall(options.declare, "command line", flags)
   if not flags or not ok then return "" end
   local lines = {}
   for i, entry in ipairs(declaration.entries) do
      local told, line = pcall(line_of, entry)
      lines[i] = told and line .. "\n" or ""
   end
   return table.concat(lines) .. "--help\t@flag\texplain the options\n"
end

return declared
