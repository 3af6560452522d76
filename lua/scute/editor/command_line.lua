-- All that may stand on scute's command line, for completion and the man page: {program = as scute.editor.program says,
-- scripts = as scute.editor.scripts lists them, common = the flags that a script of one's own with cli.common takes, examples =
-- names}. Each is said once where it belongs: in host/main.c, and in what the scripts give to cli.parse.
local comments = require "scute.help.comments"
local places = require "scute.editor.places"
local program = require "scute.editor.program"
local scripts = require "scute.editor.scripts"
local scute = require "scute"

local function examples()
   local names = comments.files(places.home .. "/examples")
   for i, name in ipairs(names) do names[i] = name .. ".lua" end
   return names
end

return function()
   return { program = program.of(places.program), scripts = scripts.list(places.home .. "/scripts"), common = scute.cli.common,
      examples = examples() }
end
