-- .profile CODE: where its time goes, as scute.profile tells it; the profile is the last result then.
local console = require "scute.base.console"
local evaluate = require "scute.repl.evaluate"
local frames = require "scute.base.frames"
local scute = require "scute"
local source = require "scute.repl.source"

return function(text, name)
   if text == "" then console.fail ".profile: expected what to profile, as in .profile model(x):sum():backward()" end
   local chunk, message = source.compile(text, name)
   if not chunk then error(message, 0) end
   frames.remember(name, text)
   return evaluate.show(table.pack((scute.profile(chunk))))
end
