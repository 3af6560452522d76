-- How to go on with an experiment that was stopped: the command that was typed, with --resume.
local process = require "scute.experiment.process"
local quoted = require "scute.base.quoted"

local again = {}

local of_command_line = setmetatable({}, { __mode = "k" }) -- options of scute.experiment that a command line said

--- Says that options come from a command line that has --resume.
function again.mark(given)
   of_command_line[given] = true
end

--- Whether options come from such a command line.
function again.is_marked(given)
   return of_command_line[given] == true
end

local function word(text)
   return text:find "^[%w_./=:,+@-]+$" and text or quoted(text)
end

--- What finishes what is missing, in words. has_flag: whether the command line knows --resume.
function again.words(has_flag)
   local command, list = process.command(), {}
   if not command or not has_flag then return "the same with resume = true" end
   local is_there = false
   for i, text in ipairs(command) do
      list[i] = word(text)
      is_there = is_there or text == "--resume"
   end
   if not is_there then list[#list + 1] = "--resume" end
   return table.concat(list, " ")
end

return again
