-- The trace of a profile: begun before its file is known, and ended with an account of what is in it.
local console = require "scute.base.console"
local profiler = require("scute.core").profiler

local tracing = {}

local Trace = {}
Trace.__index = Trace

--- Where it is written. Fails, naming the file, where that cannot be.
function Trace:place(path)
   console.guard(self.context, profiler.trace_place, path)
   self.path = path
end

--- Whether it has a file.
function Trace:has_place()
   return self.path ~= nil
end

--- Ends it: {path, seen = events, written = those in the file, problem}; nil where there was none, or it has no file.
function Trace:finish()
   if self.ended or not self.begun then return nil end
   self.ended = true
   local seen, written, problem = profiler.trace_end()
   return self.path and { path = self.path, seen = seen, written = written, problem = problem }
end

function Trace:__close()
   self:finish()
end

--- Begins a trace. context: who asks, for messages. path: its file, nil: there is no trace; "": the file is not known yet.
function tracing.begin(context, path)
   local trace = setmetatable({ begun = path ~= nil, context = context }, Trace)
   if not path then return trace end
   console.guard(context, profiler.trace_begin)
   if path == "" then return trace end
   local placed, why = pcall(trace.place, trace, path)
   if placed then return trace end
   trace:finish()
   error(why, 0)
end

return tracing
