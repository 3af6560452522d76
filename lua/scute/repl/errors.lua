-- How the session tells of an error: its message, and the frames between it and the prompt.
local script = require "scute.repl.script"
local scute = require "scute"
local show = require "scute.repl.show"

local errors = { at_terminal = false } -- where Ctrl-C leaves a half line

local MOST_FRAMES = 8

-- The frames between the error and the prompt; those of the session itself say nothing to the user.
local function frames_of(traceback)
   local frames, useful = {}, false
   for line in traceback:gmatch "\n(\t[^\n]*)" do
      local prompt = line:find "^\tinput[ %d]*:%d+: in main chunk" or line:find "in function 'xpcall'"
      if prompt or line:find "/scute/repl" then break end
      if not line:find "%[C%]: in function 'error'" then frames[#frames + 1] = line end
      useful = useful or not line:find "^\t%[C%]"
   end
   return useful and frames or {}
end

local function short_traceback(message)
   local text, own = message:match "^(.-)(\nstack traceback:.*)$" -- an error inside a model brings its own
   message = text or message
   local frames = frames_of(own or debug.traceback("", 3))
   if #frames == 0 then return message end
   if #frames > MOST_FRAMES then
      frames[MOST_FRAMES] = ("\t... %d more"):format(#frames - MOST_FRAMES + 1)
      for i = #frames, MOST_FRAMES + 1, -1 do frames[i] = nil end
   end
   return message .. "\nstack traceback:\n" .. table.concat(frames, "\n")
end

--- The text of an error; a message handler of xpcall.
function errors.describe(problem)
   script.keep_result(problem)
   if scute.interrupted() then return errors.at_terminal and "\ninterrupted" or "interrupted" end
   if type(problem) == "table" and problem.exit and problem.message then return tostring(problem.message) end
   return short_traceback(show.text(problem))
end

return errors
