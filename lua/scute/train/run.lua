-- A run of train.fit as it begins: its options, the hooks around its loop, the parts of its state, and what is told first.
local alike = require "scute.train.alike"
local console = require "scute.base.console"
local equal = require "scute.data.equal"
local found_device = require "scute.base.found_device"
local scute = require "scute"
local algorithms = require "scute.train.algorithms"
local answers = require "scute.train.answers"
local augmenting = require "scute.train.augmenting"
local average = require "scute.train.average"
local board = require "scute.train.board"
local check = require "scute.train.check"
local checkpoint = require "scute.train.checkpoint"
local criterion = require "scute.train.criterion"
local draws = require "scute.train.draws"
local events = require "scute.train.events"
local features = require "scute.train.features"
local fields = require "scute.train.fields"
local figures = require "scute.train.figures"
local hardware = require "scute.train.hardware"
local hooks = require "scute.train.hooks"
local identity = require "scute.train.identity"
local measures = require "scute.train.measures"
local memory = require "scute.train.memory"
local options = require "scute.base.options"
local plain_text = require "scute.base.plain_text"
local ordered = require "scute.train.ordered"
local outlook = require "scute.train.outlook"
local parallel = require "scute.train.parallel"
local photos = require "scute.train.photos"
local position = require "scute.train.position"
local precision = require "scute.train.precision"
local progress = require "scute.train.progress"
local record = require "scute.train.record"
local reducing = require "scute.train.reducing"
local sampling = require "scute.train.sampling"
local settings = require "scute.train.settings"
local state = require "scute.train.state"
local stopping = require "scute.train.stopping"
local sync = require "scute.train.sync"
local unfreeze = require "scute.train.unfreeze"
local schedule = require "scute.schedule"

local runs = {}

-- ---- hooks and parts ----

local schedule_hook = {
   name = "schedule",
   sets_rates = true,
   save = function(run) return run.schedule.save and run.schedule.save() or {} end,
   load = function(run, saved)
      if run.schedule.load then run.schedule.load(saved) end
   end,
   on_step_begin = function(run) run.optimizer:scale_lr(run.schedule.factor(position.of_step(run))) end,
   on_epoch_end = function(run)
      if not run.schedule.observe then return end
      run.schedule.observe(run.row, function(name) return figures.is_lower_better(run, name) end)
   end,
}

-- All hooks of a run, in the order in which they are called.
local function all_hooks(run)
   hooks.check(run.hooks)
   local list = { record.hook, schedule_hook, outlook.hook, stopping.hook(run.early_stop, run), hardware.hook(), events.hook(),
      progress.hook(), photos.hook, reducing.hook }
   if run.unfreeze then table.insert(list, 3, unfreeze.hook) end -- its warmup scales what the schedule has set
   if run.average then table.insert(list, average.hook) end
   if run.tensorboard then table.insert(list, board.hook()) end
   if run.scaler then table.insert(list, 1, precision.hook(run)) end -- an update that it leaves out is none for the others
   table.move(run.hooks, 1, #run.hooks, #list + 1, list)
   list[#list + 1] = algorithms.hook
   list[#list + 1] = { on_epoch_end = parallel.agree_on_end }
   list[#list + 1] = draws.hook
   list[#list + 1] = checkpoint.hook -- the last, so that it saves what the others did
   return list
end

-- The parts of its state, in the order in which they are put back: what hooks restore may look at the rest, and random numbers
-- are as they were when all of them are done.
local function all_parts(run, yours)
   local list = { state.model, state.optimizer, position, record.part, answers.part, photos.part, algorithms.part }
   list[#list + 1] = criterion.part(run)
   if run.average then table.move({ average.part, average.best_part }, 1, 2, #list + 1, list) end
   table.move(run.hooks, 1, #run.hooks, #list + 1, list)
   list[#list + 1] = state.random
   hooks.check_names(list, yours)
   return state.parts(list)
end

-- ---- making ----

-- What options say in short becomes what the run uses.
local function read_short_forms(run, model)
   run.device = found_device(run.device)
   run.schedule = schedule.of(run.schedule or schedule.constant())
   local plan = run.unfreeze
   if plan and plan.apply then
      run.unfreeze = plan:for_run(model, run.epochs)
   elseif plan then
      run.unfreeze = unfreeze.plan(model, plan, { epochs = run.epochs })
   end
   if run.schedule.reset then run.schedule.reset() end
   augmenting.begin(run)
   sampling.read(run)
   criterion.read(run)
   measures.read(run)
end

--- A run from checked options (see scute.train.options), which become its fields.
function runs.new(run, model, set)
   check.pair(model, set)
   run.model, run.set, run.preprocess = model, set, model.preprocessing
   read_short_forms(run, model)
   precision.read(run)
   algorithms.read(run)
   run.epoch, run.step, run.skipped, run.known = 0, 0, 0, {}
   run.times = { started = os.time(), clock = scute.clock() }
   run.meter = progress.new()
   run.mixes = run.mixup > 0 or run.cutmix > 0
   run.photos = photos.source(run)
   photos.begin(run)
   run.interrupted = scute.interrupted
   parallel.begin(run)
   ordered.begin(run)
   if run.unfreeze then run.unfreeze:apply(model, 1) end
   check.optimizer(model, run.optimizer)
   if run.ema then run.average = average.new(model, run.ema) end
   run.own_hooks, run.hooks = run.hooks, all_hooks(run)
   run.parts = all_parts(run, run.own_hooks)
   fields.of(run)
   settings.of(run) -- a part that cannot say what it is fails before anything is written
   run.fields, run.layers = model:fields().fields, identity.layers(model) -- as they are before any hook changes them
   ordered.check_state(run)
   return run
end

--- What follows from which photos train, once these are known: those of a run that goes on are fewer than the data folder
-- may have by now.
function runs.count_photos(run)
   sampling.begin(run)
   criterion.weigh(run)
   run.settings = settings.of(run)
end

--- What is told before it begins.
function runs.describe(run)
   local set = run.set
   console.line("%s: %s in %s; %d train, %d validate; split: %s", set.dir or set.name,
      console.count(#set.train.paths + #set.val.paths, set.samples and "sample" or "photo"),
      console.count(#set.classes, "class", "classes"), #set.train.paths, #set.val.paths, set.split)
   for _, note in ipairs(set.notes) do console.line("note: %s", note) end
   features.tell(run)
   photos.tell_broken(run)
   equal.tell(set)
   algorithms.tell(run)
   ordered.tell(run)
   sync.tell(run)
   local zero = schedule.ends_at_zero(run.schedule, run.epochs)
   if zero then
      console.warn("the schedule (%s) lasts for %g of the %s: the learning rate is 0 from then on, and nothing is learned",
         run.schedule.name, zero, console.count(run.epochs, "epoch"))
   end
end

-- Fails where photos of a batch cannot be shared out.
local function check_shared(run)
   parallel.check_batch(run)
   criterion.check_shared(run)
end

--- A batch cannot be larger than what trains.
function runs.clamp_batch(run)
   local n = sampling.length(run)
   if run.batch_size > n then
      console.line("batch size %d is more than the %s that train: using %d", run.batch_size, console.count(n, "photo"), n)
      run.batch_size = n
   end
   if run.unfreeze or not features.wanted(run) then check_shared(run) end
end

-- "name = value" of what may not differ. Each process has a GPU of its own.
local function told(name, value)
   if name == "device" and type(value) == "string" then value = value:match "^[^:]*" end
   return name .. " = " .. plain_text(value)
end

-- What a script was told that may not differ, as lines behind those of `does`: numbers, texts and switches, which have the same
-- words in every process.
local function arguments_of(run, does)
   local declared, lines = options.declaration_of(run.arguments), {}
   for name, value in pairs(run.arguments) do
      local entry = declared and declared.by_name[name]
      local is_plain = type(value) == "number" or type(value) == "string" or type(value) == "boolean"
      if is_plain and not (entry and entry.resume == "free") then lines[#lines + 1] = told(name, value) end
   end
   table.sort(lines)
   return table.move(lines, 1, #lines, #does + 1, does)
end

--- Fails where several processes are not about to do the same, and tells how they share the work. does: lines "name = value"
-- of what they do in place of training.
function runs.agree(run, does)
   if not run.shared then return end
   if not run.identity then identity.begin(run) end
   local more, lines = {}, { ("epoch = %d, step = %d"):format(run.epoch, run.step) }
   lines[2] = told("save_steps", run.save_steps or "none") -- of which all have a part
   for _, name in ipairs(run.settings._order) do lines[#lines + 1] = told(name, run.settings[name]) end
   for name, value in pairs(run.identity) do more[name] = name ~= "data" and value or nil end
   alike.check(run, { arguments = arguments_of(run, does or {}), settings = lines, more = plain_text(more),
      data = plain_text(run.identity.data) })
   ordered.check(run)
end

--- What the next epoch reads: features while the backbone is frozen and they are wanted, otherwise the photos.
function runs.choose_feed(run)
   reducing.compare(run)
   local source = features.wanted(run) and features or photos
   if run.source == source then return end
   if run.feed then run.feed.close() end
   photos.feed_begins(run)
   run.source, run.feed = source, source.feed(run)
   if run.feed and run.feed.shared then check_shared(run) end
   if run.feed then memory.level(run) end
   if run.feed then run.feed.steps = math.ceil(run.feed.steps / run.accumulate) end -- updates, not batches
end

return runs
