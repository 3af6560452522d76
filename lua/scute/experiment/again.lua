-- How to go on with an experiment that was stopped: the command that was typed, with --resume.
local process = require "scute.experiment.process"
local quoted = require "scute.base.quoted"

local again = {}

local of_command_line = setmetatable({}, { __mode = "k" }) -- options of scute.experiment that a command line said

--- Says that options come from a command line that goes on with these words (default: "--resume").
function again.mark(given, words)
   of_command_line[given] = words or "--resume"
end

--- The words with which the command line of options goes on; nil where there are none.
function again.marked(given)
   return of_command_line[given]
end

local function word(text)
   return text:find "^[%w_./=:,+@-]+$" and text or quoted(text)
end

--- What finishes what is missing, in words. flag: what again.marked says.
function again.words(flag)
   local command, list = process.command(), {}
   if not command or not flag then return "the same with resume = true" end
   local is_there = false
   for i, text in ipairs(command) do
      list[i] = word(text)
      is_there = is_there or text:find "^%-%-resume" ~= nil
   end
   if not is_there then list[#list + 1] = flag end
   return table.concat(list, " ")
end

return again
