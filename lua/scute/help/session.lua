-- What a session has beside the library, which help() tells of, too: its commands, each a line that is no Lua, and the globals
-- that it sets.
local session = {}

--- Commands that begin with a dot: name, what follows it, and what it does.
session.NAMED = {
   { "time", "CODE", "how long it takes; an expression that is short and gives a value runs many times, with all it does" },
   { "profile", "CODE", "where its time goes, by op; _:by 'layer' has the layers then" },
   { "run", "FILE [ARGUMENTS]", "a script; its locals are there afterwards" },
   { "reload", "[MODULE]", "modules whose files were edited, or this one; objects get the new methods" },
   { "who", "", "your variables, with shapes and memory" },
   { "mem", "", "memory of tensors, of Lua and of the process" },
   { "help", "", "this list" },
}

--- Those that do not, for the list.
session.OTHERS = {
   { "? NAME", "what help says of it, as NAME ? does" },
   { "?? WORDS", "names and texts with these words" },
   { "!COMMAND", "a command of the shell" },
   { "exit, quit", "leave, as Ctrl-D does" },
}

local RESULTS, LAST = "_, _1, _2", "the last results that were not nil, the newest first."

local GLOBALS = {
   { "show", "show(x)", "all of a value, which the prompt shows in short." },
   { "help", "help(topic)", "what a name or a value is; without one where to begin." },
   { "_", RESULTS, LAST }, { "_1", RESULTS, LAST }, { "_2", RESULTS, LAST },
}

--- Entries as those of scute.help.entries: name, kind = "session", signature, text.
function session.list()
   local list = {}
   local function add(name, signature, text)
      list[#list + 1] = { name = name, kind = "session", signature = signature, text = text }
   end
   for _, entry in ipairs(session.NAMED) do
      local name = "." .. entry[1]
      add(name, entry[2] == "" and name or name .. " " .. entry[2], entry[3] .. ".")
   end
   for _, entry in ipairs(session.OTHERS) do
      for name in entry[1]:gsub("%u+", ""):gmatch "[^%s,]+" do add(name, entry[1], entry[2] .. ".") end
   end
   for _, entry in ipairs(GLOBALS) do add(table.unpack(entry)) end
   return list
end

return session
