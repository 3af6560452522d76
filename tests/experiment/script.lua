-- Scripts with an experiment, for tests: one text with pieces that a test replaces, as somebody edits a script.
local photos = dofile "tests/cli/photos.lua"

local script = {}

local TEXT = [==[
local scute = require "scute"
local cli, data, models, optim, train = scute.cli, scute.data, scute.models, scute.optim, scute.train
dofile "tests/lua/small.lua"
local opt = cli.parse(arg, "An experiment", cli.flags(scute.experiment.flags))
local set = data.open(opt.data_dir, data.options(opt))
local given = scute.experiment.options(opt)
$BEFORE
given.set = set
given.variants = { $VARIANTS }
given.budget = given.budget or "epochs=2"
function given.run(variant, context)
   $BEGIN
   local model = models.create("small", { classes = context.set.classes })
   return train.fit(model, context.set, { optimizer = optim.adamw(model:groups { lr = variant.lr }), batch_size = 8, $MORE })
end
local trial = scute.experiment(given)
$AFTER
]==]

local PIECES = { BEFORE = "", VARIANTS = '{ "slow", lr = 0.001 }, { "fast", lr = 0.01 }', BEGIN = "", MORE = "",
   AFTER = "print(trial)" }

--- Writes such a script. pieces: what stands in place of the words in capitals, by word.
function script.write(path, pieces)
   photos.write_file(path, (TEXT:gsub("%$(%u+)", function(word) return pieces[word] or PIECES[word] end)))
end

return script
