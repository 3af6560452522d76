-- What an error inside a model says: the path of the module that was computing, and the traceback. Which modules were is
-- read from the stacks of the running coroutines when the error is raised, so that a call that succeeds keeps no account and
-- nothing (a pcall in a forward, a coroutine that yields there) can put one out of step.
local scute = require "scute.core"
local traceback = require "scute.base.traceback"

local DEEPEST = 1000 -- levels of a stack that are looked at: one that overflowed has 200,000

-- The modules whose calls and parts stand on a stack, innermost first: list of {module, frame's function}.
local function on_stack(thread, marks)
   local found = {}
   for level = 0, DEEPEST do
      local frame = debug.getinfo(thread, level, "f")
      if not frame then break end
      if marks[frame.func] then
         local _, module = debug.getlocal(thread, level, 1)
         found[#found + 1] = { module, frame.func }
      end
   end
   return found
end

-- The modules that are computing, outermost first. A part of a module's work that no call led to is the caller's own.
local function computing(marks, call)
   local modules = {}
   for _, thread in ipairs(scute.running()) do
      local found = on_stack(thread, marks)
      for i = #found, 1, -1 do
         if #modules > 0 or found[i][2] == call then modules[#modules + 1] = found[i][1] end
      end
   end
   return modules
end

local function path_of(modules)
   local names = {}
   for i = 2, #modules do names[i - 1] = rawget(modules[i], "_name") or modules[i].class_name end
   return #names > 0 and table.concat(names, ".") or "model"
end

--- Returns the message handler for calls of modules. call, within: the functions whose first argument is a module that
-- computes until they return; call is what a model is called by.
return function(call, within)
   local marks = { [call] = true, [within] = true }
   return function(err)
      if type(err) ~= "string" and not scute.error_kind(err) then return err end
      local text = tostring(err):gsub("^[^\n:]+:%d+: ", "")
      if text:find "^in [^\n]-: " then return scute.error_like(err, text) end -- a call within this one has said it
      local modules = computing(marks, call)
      local innermost = modules[#modules]
      if not innermost then return err end
      text = ("in %s (%s): %s"):format(path_of(modules), innermost.class_name, text)
      return scute.error_like(err, text:find("\nstack traceback:", 1, true) and text or traceback.add(text, err, 2))
   end
end
