-- How well a network learns the demo's photos: Exercise 1 on one fold of them after the other, as a user runs it, and how many
-- of the photos that validated were right.
local cjson = require "cjson"
local lfs = require "lfs"
local console = require "scute.base.console"
local stamps = require "scute.data.stamps"
local typed_name = require "scute.base.typed_name"

local stamps_folds = {}

local OF = 5 -- folds in which each photo validates once

local COMMAND = "%s scripts/transfer_learning.lua --data_dir %s --model %s --freeze_backbone --weights %s --output_dir %s"

--- The command line of Exercise 1. network: { name, weights = a file }.
function stamps_folds.command(network, data, output)
   return COMMAND:format(typed_name(), data, network.name, network.weights, output)
end

--- Those of some networks whose weights are at hand, in their order; what lacks is told. Ends the program where none are.
function stamps_folds.at_hand(networks)
   local here, missing = {}, {}
   for _, network in ipairs(networks) do
      local list = lfs.attributes(network.weights) and here or missing
      list[#list + 1] = network
   end
   for _, network in ipairs(missing) do
      local tell, rest = console.warn, "; the demo goes on without that network"
      if #here == 0 then tell, rest = console.fail, ", and the demo is run in scute's folder" end
      tell("the weights of %s are not here as %s: `make weights` fetches them%s", network.name, network.weights, rest)
   end
   return here
end

-- Runs one fold: how many photos validated, and how many of them were right at the best epoch.
local function run_fold(network, folder, fold)
   local here = fold == 1 and folder or ("%s/fold%d"):format(folder, fold)
   local data, output = here .. "/data", here .. "/models"
   stamps.lay_out(folder .. "/photos", data, fold, OF)
   local line = stamps_folds.command(network, data, output) .. " --overwrite" -- an earlier demo is not worth its space
   console.line("\n$ %s", line)
   local done, _, status = os.execute(line)
   if not done then os.exit(status, true) end
   local file <close> = assert(io.open(("%s/%s/run.json"):format(output, network.name)))
   local run = cjson.decode(file:read "a")
   return run.photos.val, math.floor(run.result.val_accuracy * run.photos.val + 0.5)
end

--- Runs the first `folds` of five: how many photos validated, and how many of them were right. folder: what the photos lie in,
-- as stamps.prepare(source, folder .. "/photos") has put them. Ends the program where a run does not succeed.
function stamps_folds.run(network, folder, folds)
   local validated, right = 0, 0
   for fold = 1, folds do
      local n, r = run_fold(network, folder, fold)
      validated, right = validated + n, right + r
   end
   return validated, right
end

return stamps_folds
