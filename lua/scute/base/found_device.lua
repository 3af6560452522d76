-- The device that a name means. Where "auto" finds no GPU that answers, one line says why the CPU computes: whoever has one and
-- forgot its library would wait ten times as long without a word.
local scute = require "scute.core"
local console = require "scute.base.console"

return function(name)
   local found, why = scute.device(name)
   if why then console.line("device auto: %s computes, as no GPU answers: %s", found, why) end
   return found
end
