-- What train.fit returns: history, the best epoch, and where the run was interrupted what it needs to go on. That is what a
-- checkpoint holds, in memory; so a run without an output_dir can go on too.
local answers = require "scute.train.answers"
local as_text = require "scute.train.as_text"
local console = require "scute.base.console"
local checkpoint = require "scute.train.checkpoint"
local exact = require "scute.train.exact"
local known_fields = require "scute.base.known_fields"

local result = {}

local Result = {}
Result.__index = Result
for name, method in pairs(as_text.RESULT) do Result[name] = method end

-- What a result may be without; those that are always there are named for messages.
local FIELDS = known_fields.set "history best folder confusion answers best_ema stopped interrupted seconds"
setmetatable(Result, { __index = known_fields.reading("the result of train.fit", FIELDS) })

local ENDED = "resume: this run is at its end. For more epochs call train.fit again: it begins with the weights as they are; "
   .. "or, with the options that it had, its output_dir, resume = \"auto\" and a larger epochs, it goes on as one longer run"

local left = setmetatable({}, { __mode = "k" }) -- result -> function(options) that goes on

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

-- ---- what is left of an interrupted run ----

--- What an interrupted run needs to go on; to be asked before its best weights come back into the model.
function result.leave(run)
   local from = { given = run.given, folder = run.folder, fields = run.fields, layers = run.layers, digests = run.digests }
   if run.from and not run.started then
      from.content, from.tensors = run.from.content, run.from.tensors
   elseif run.position then
      from.content, from.tensors = checkpoint.copy(run)
   end
   return from
end

-- The folder of the run holds what it wrote last, and no other run.
local function check_folder(from, options)
   if not from.folder or options.output_dir ~= from.given.output_dir then return end
   if read(from.folder .. "/run.json") == from.record then return end
   console.fail("resume: '%s' no longer holds what this run wrote; give it another folder, as in result:resume { output_dir = "
      .. "... }", from.folder)
end

local function options_of(from, given)
   local options = {}
   for name, value in pairs(from.given) do options[name] = value end
   options.resume = nil
   for name, value in pairs(given or {}) do options[name] = value end
   return options
end

--- Makes a new run the continuation of what leave() gave: checkpoint.open finds it there.
function result.continue(run, from)
   run.from, run.fields, run.layers = from, from.fields, from.layers -- those of a model that had not trained yet
   if not from.content then return end
   local tensors = {} -- its own, so that another one can begin here
   for name, tensor in pairs(from.tensors) do tensors[name] = tensor:clone() end
   run.continued = { state = exact.decode(from.content), tensors = tensors, digests = from.digests,
      path = run.folder == from.folder and run.folder and run.folder .. "/checkpoint.safetensors" or "the interrupted run" }
end

-- ---- results ----

--- The result of a run; of an interrupted one so far. from: what leave() gave, and again(options) trains on.
function result.of(run, from, again)
   local best = run.best or {}
   local made = setmetatable({ history = run.history, best = run.best, folder = run.folder or run.read_folder,
      confusion = best.confusion, answers = answers.of(run), best_ema = run.average and run.average:best_row(),
      stopped = run.stopped, interrupted = from and true or nil, seconds = run.seconds }, Result)
   if not from then return made end
   from.record = run.folder and read(run.folder .. "/run.json")
   left[made] = function(given)
      local options = options_of(from, given)
      check_folder(from, options)
      return again(options)
   end
   return made
end

--- Goes on with a run that Ctrl-C interrupted, from the step after which it stopped: same model, photos, options and optimizer,
-- to the same bits as if it had not stopped. given: options that shall be others, as in result:resume { epochs = 20 }. Returns
-- what train.fit does.
function Result:resume(given)
   if given ~= nil and type(given) ~= "table" then
      error("resume: expected a table of options, found " .. console.brief(given), 2)
   end
   local go_on = left[self]
   if not go_on then error(ENDED, 2) end
   return go_on(given)
end

return result
