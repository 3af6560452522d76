-- help(), `? name` and `?? words` at the prompt. What they say is made in scute.help.
local answer = require "scute.help.answer"
local console = require "scute.base.console"
local find = require "scute.help.find"
local pager = require "scute.help.pager"
local search = require "scute.help.search"
local scute = require "scute"

local help = {}

local WIDTH = 100 -- of text that is not for a terminal

local function screen_width()
   return console.is_terminal(1) and scute.terminal_size() or WIDTH
end

--- The text that help(topic) prints: of a name, a value, or with nothing the overview.
function help.text(...)
   return answer.text(WIDTH, ...)
end

--- help() shows what there is; help "name" and help(value) what one thing is.
function help.show(...)
   pager.show(answer.text(screen_width(), ...))
end

--- What `? name` shows: of a variable of the session its value, else what help "name" does.
function help.ask(name)
   pager.show(answer.path(screen_width(), name))
end

--- What `?? words` shows.
function help.search(words)
   if words == "" then return help.show() end
   pager.show(search.text(find.index(), words, screen_width()))
end

return help
