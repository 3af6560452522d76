-- Several processes (scute.train.parallel) are started alike, and stay so: versions, what they were told, photos and weights
-- before training, and all that they have learned after each epoch. What differs is named, in all of them.
local scute = require "scute.core"
local console = require "scute.base.console"
local hosts = require "scute.train.hosts"
local plain_text = require "scute.base.plain_text"
local ranks_text = require "scute.train.ranks_text"
local sampling = require "scute.train.sampling"
local sorted_keys = require "scute.base.sorted_keys"
local alike = {}

local world = scute.world

-- Fails in all of them where `text` is not the same everywhere. Together.
local function agree(text, what)
   local others = world.differing(text)
   if #others == 0 then return end
   console.fail("%s: %s than rank 0; all processes of a run are started alike", ranks_text(others), what)
end

-- The first line of a text that another one has not.
local function first_line(text, other)
   local known = {}
   for line in other:gmatch "[^\n]+" do known[line] = true end
   for line in text:gmatch "[^\n]+" do
      if not known[line] then return line end
   end
end

-- The first line of a list that differs from that of rank 0, in words, and who has it not; all processes find the same.
-- Together.
local function first_difference(lines)
   local others = world.differing(table.concat(lines, "\n"))
   if #others == 0 then return nil end
   local texts = world.texts(table.concat(lines, "\n"))
   local first, theirs = texts[1], texts[others[1] + 1]
   local line = first_line(theirs, first)
   if line then return ("%s: %s"):format(ranks_text(others), line), "rank 0" end
   return "rank 0: " .. (first_line(first, theirs) or "the same in another order"), ranks_text(others)
end

local function by_name(tensors)
   local list = {}
   for i, name in ipairs(sorted_keys(tensors)) do list[i] = tensors[name] end
   return list
end

-- Weights that they start from, and what the optimizer holds.
local function state_digest(run)
   local state, optimizer, list = run.model:state_dict(), run.optimizer:state_dict(), {}
   for _, name in ipairs(state.names) do list[#list + 1] = state.tensors[name] end
   for _, tensor in ipairs(by_name(optimizer.tensors)) do list[#list + 1] = tensor end
   return scute.checksum(list)
end

local CALLED = { average = "the average of the weights", loss = "the state of the loss" }

-- All that is the same in all of them, as lines "what = checksum": weights, and parts of the state that say so (`alike`).
local function alike_lines(run)
   local lines = { "the weights = " .. state_digest(run) }
   for _, part in ipairs(run.parts) do
      if part.alike then
         local data, tensors = part.save(run)
         local list = by_name(tensors or {})
         list[#list + 1] = plain_text { data, sorted_keys(tensors or {}) }
         lines[#lines + 1] = ("%s = %s"):format(CALLED[part.name], scute.checksum(list))
      end
   end
   return lines
end

-- The same of tensors of hooks of the user's, by "HOOK.NAME"; their plain data may be another in each (a clock).
local function hook_lines(tensors)
   local lists, lines = {}, {}
   for _, key in ipairs(sorted_keys(tensors)) do
      local hook, name = key:match "^([^.]*)%.(.*)$"
      lists[hook] = lists[hook] or {}
      table.move({ name, tensors[key] }, 1, 2, #lists[hook] + 1, lists[hook])
   end
   for i, hook in ipairs(sorted_keys(lists)) do
      lines[i] = ("the tensors of the hook '%s' = %s"):format(hook, scute.checksum(lists[hook]))
   end
   return lines
end

-- Whether hooks of the user's see steps, may leave one out, and draw.
local function sees_steps(run)
   for _, hook in ipairs(run.own_hooks) do
      for _, event in ipairs { "on_step_begin", "on_backward_begin", "on_backward_end", "on_step_end" } do
         if hook[event] then return true end
      end
   end
   return false
end

-- Fails in all of them where they were not told the same.
local function agree_on(lines)
   local other, who = first_difference(lines)
   if other then console.fail("%s, and not so in %s; all processes of a run are started alike", other, who) end
end

--- The same for others. lines: of what a process was told, as "name = value". Together.
alike.agree_on = agree_on

--- Fails where processes were started with other versions, arguments, photos or weights, and tells how the work is shared.
-- said: { arguments, settings = lists of lines "name = value", more = what identifies the run, data = of its photos } (texts).
-- What the processes were told comes first, then what follows from that. Together.
function alike.check(run, said)
   if not run.shared then return end
   local versions = {}
   for name, value in pairs(scute.version()) do versions[#versions + 1] = name .. " " .. tostring(value) end
   table.sort(versions)
   agree(table.concat(versions, "\n"), "other versions of the program or its libraries")
   agree_on(said.arguments)
   agree(said.data, "other photos (names, classes, split or sizes of the files)")
   sampling.agree_at_first(run)
   agree_on(said.settings)
   agree(said.more, "another model, or other arguments of the script,")
   agree(state_digest(run), "other weights")
   run.has_step_hooks = world.sums { sees_steps(run) and 1 or 0 }[1] > 0
   console.line("%d processes with %s each; a batch of %s is shared among them", world.size,
      console.count(scute.threads(), "thread"), console.count(run.batch_size, "photo"))
   hosts.tell()
   if run.criterion then
      console.line "note: a loss of the script's own sees the photos of one process at a time, and the mean over all is taken"
   end
end

-- Fails where one of the lines is not the same in all of them. Together.
local function check_lines(lines)
   local other = first_difference(lines)
   if not other then return end
   local who, what = other:match "^(.-): (.*) = %S+$"
   console.fail("%s no longer %s %s of rank 0: a hook, a schedule or a layer did something else there, or a processor or "
      .. "library computed something else", who or other, who and who:find "," and "have" or "has", what or "what is")
end

--- Fails where what they have learned is not the same bit for bit. Together.
function alike.check_state(run)
   if run.shared then check_lines(alike_lines(run)) end
end

--- The same of what hooks of the user's keep, where they are asked for it anyway: before they have seen the end of an epoch
-- they may have nothing to tell. tensors: as scute.train.state has them. Together.
function alike.check_hooks(tensors)
   check_lines(hook_lines(tensors))
end

return alike
