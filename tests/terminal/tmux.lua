-- A real terminal for tests, which tmux plays: types and pastes into a program and reads what stands on the screen.
--
--    local t = tmux.open(scute, { columns = 100, rows = 30 })      waits for the first prompt
--    t:enter "x = 1"                                               types, and waits until there is a prompt again
--    t:type "scu"  t:key "Tab"  t:wait "scute"                     keys as tmux names them: Tab, Enter, C-c, C-d, Up, ...
--    t:paste "for i = 1, 2 do\nprint(i)\nend"                      bracketed where the program asked for that
--    t:screen()                                                    all lines, those above the screen too, as one text
--    t:close()
--
-- Nothing waits for a time: what is waited for is looked for until it is there, at most PATIENCE looks. What does not come is
-- told to tmux.gave_up(what, screen): a test that looks at the screen alone may pass, minutes later.
local tmux = { gave_up = function() end }
tmux.__index = tmux

local PATIENCE = 4000 -- looks, each at least 0.02 seconds after the one before

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   return text, pipe:close()
end

function tmux:call(...)
   local words = { ... }
   for i, word in ipairs(words) do words[i] = quote(tostring(word)) end
   return output_of(("tmux -N -S %s -f /dev/null %s"):format(quote(self.socket), table.concat(words, " ")))
end

-- Runs the server as a child of this process, which needs less of the machine than one that becomes a daemon.
function tmux:serve()
   os.execute(("tmux -D -S %s -f /dev/null </dev/null >/dev/null 2>&1 &"):format(quote(self.socket)))
   for _ = 1, PATIENCE do
      if self:call("start-server") == "" then return end
      os.execute "sleep 0.01"
   end
end

--- Starts a program (its shell command) in a terminal of its own. options: columns (default 100), rows (30), term (what TERM
-- says; default: tmux's own), environment (name -> value; false: not set), folder, prompt = false: it has none to wait for.
function tmux.open(command, options)
   options = options or {}
   local socket = os.tmpname()
   os.remove(socket)
   local self = setmetatable({ socket = socket, code = socket .. ".code" }, tmux)
   local set = {}
   local environment = options.environment or {}
   if options.term then environment.TERM = options.term end
   for name, value in pairs(environment) do
      set[#set + 1] = value and ("%s=%s"):format(name, quote(value)) or "-u " .. name
   end
   table.sort(set, function(a, b) return a:sub(1, 2) == "-u" and b:sub(1, 2) ~= "-u" end)
   -- The shell around it waits for the exit code, of which tmux (3.3a) now and then loses one.
   local line = ("trap : INT QUIT; env %s %s; echo $? >%s"):format(table.concat(set, " "), command, quote(self.code))
   self:serve()
   self:call("set-option", "-g", "remain-on-exit", "on")
   self:call("set-option", "-g", "history-limit", 20000)
   self:call("set-option", "-g", "escape-time", 0)
   local said, done = self:call("new-session", "-d", "-x", options.columns or 100, "-y", options.rows or 30, "-c",
      options.folder or ".", line)
   assert(done, said)
   if options.prompt ~= false then self:wait_prompt(0) end
   return self
end

--- Types a text as it is. A `;` at its end would end tmux's own command.
function tmux:type(text)
   self:call("send-keys", "-l", "--", (text:gsub(";$", "\\;")))
end

--- Presses keys.
function tmux:key(...)
   self:call("send-keys", ...)
end

--- Pastes a text.
function tmux:paste(text)
   local path = os.tmpname()
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
   self:call("load-buffer", path)
   os.remove(path)
   self:call("paste-buffer", "-p", "-r")
end

--- All lines, without blanks at their ends; those of which the terminal made several are one. colors: with escape sequences.
function tmux:screen(colors)
   local text = self:call("capture-pane", "-p", "-J", "-S", "-", table.unpack(colors and { "-e" } or {}))
   return (text:gsub("[ \t]+\n", "\n"):gsub("\n+$", "\n"))
end

--- A screen of which the prompts have no numbers: where a test asks what stands behind one, and not which chunk it is.
function tmux.without_numbers(screen)
   return (("\n" .. screen):gsub("\n%d+> ", "\n> "):gsub("\n%d+>\n", "\n>\n"):gsub("\n%d+>$", "\n>"):sub(2))
end

--- Looks until `found` (a text, or a function of the screen) is there. Returns whether it is, and the screen.
function tmux:wait(found)
   local screen
   for _ = 1, PATIENCE do
      screen = self:screen()
      local plain = tmux.without_numbers(screen)
      local there
      if type(found) == "function" then there = found(plain)
      else there = plain:find(found, 1, true) or screen:find(found, 1, true) end
      if there then return true, screen end
      os.execute "sleep 0.02"
   end
   tmux.gave_up(debug.traceback(type(found) == "string" and found or "a screen", 2), screen)
   return false, screen
end

-- How many prompts there are, and whether the last line is one with nothing behind it.
local function prompts(screen)
   local n = 0
   for _ in ("\n" .. screen):gmatch "\n%d*> ?" do n = n + 1 end
   return n, ("\n" .. screen):find "\n%d*> ?\n*$" ~= nil
end

--- Waits until there are more than `before` prompts and the last one is free.
function tmux:wait_prompt(before)
   return self:wait(function(screen)
      local n, free = prompts(screen)
      return n > before and free
   end)
end

--- Types a line and Enter, and waits for the next prompt. Returns what the screen shows from that line on.
function tmux:enter(text)
   local before = (prompts(self:screen()))
   self:type(text)
   self:key "Enter"
   local _, screen = self:wait_prompt(before)
   local at = 0
   for _ = 1, before do at = select(2, ("\n" .. screen):find("\n%d*> ?", at + 1)) or at end
   return screen:sub(at)
end

--- Gives the terminal another size.
function tmux:resize(columns, rows)
   self:call("resize-window", "-x", columns, "-y", rows)
end

--- Waits until the program has ended; returns its exit code.
function tmux:ended()
   for _ = 1, PATIENCE do
      local file = io.open(self.code)
      local code = file and file:read "n"
      if file then file:close() end
      if code then return code end
      os.execute "sleep 0.02"
   end
   tmux.gave_up(debug.traceback("the end", 2), self:screen())
end

--- Ends it all.
function tmux:close()
   self:call "kill-server"
   os.remove(self.socket)
   os.remove(self.code)
end

return tmux
