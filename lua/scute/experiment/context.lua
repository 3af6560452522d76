-- What `run` of an experiment gets beside its variant: the photos of its seed or fold, and what else is this run's alone.
local nearest = require("scute.core").nearest
local within = require "scute.train.within"
local sorted_keys = require "scute.base.sorted_keys"

-- What a context has; those that are nil in a run are known all the same.
local FIELDS = {}
for name in ("set seed fold inner run variant folder epochs minutes schedule options"):gmatch "%S+" do FIELDS[name] = true end

local function refuse(name)
   if FIELDS[name] or type(name) ~= "string" or name:find "^_" then return nil end
   local near = nearest(name, sorted_keys(FIELDS))
   error(("context has no '%s'%s"):format(name, near and ("; did you mean '%s'?"):format(near) or "; it has "
      .. table.concat(sorted_keys(FIELDS), ", ")), 3)
end

local function refuse_to_set(_, name)
   error(("context: '%s' cannot be set; it is what the experiment says"):format(tostring(name)), 2)
end

-- What train.options makes of a command line (nil: of nothing), with what is the experiment's (folder, seed, epochs of the
-- budget) in it: for parts that want to know it, as warmup_cosine { epochs = o.epochs }.
local function options_of(opt)
   local train = require "scute.train"
   local own = train.options(opt or {})
   for name, value in pairs(within.values()) do own[name] = value end
   return own
end

--- The context of a run. job: see scute.experiment.one; set: its photos; budget: see scute.experiment.budgets.
return function(job, set, budget)
   local fields = { set = set, seed = job.seed, fold = job.fold, inner = job.inner, run = job.run, variant = job.variant,
      folder = job.folder, epochs = job.epochs, minutes = job.minutes, schedule = budget.schedule, options = options_of }
   local function read(_, name)
      local value = fields[name]
      if value == nil then refuse(name) end
      return value
   end
   return setmetatable({}, { __name = "context", __index = read, __newindex = refuse_to_set,
      __pairs = function() return next, fields end })
end
