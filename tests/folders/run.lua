-- Whose the folder of a run is, as a user meets it: runs of the exercises one after the other and two at once, in one output
-- folder. Each is a ResNet-18 on photos of 32 pixels, of which the head alone trains.
local lfs = require "lfs"
local scute = require "scute"
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"

local check, refuses, shell, scratch, read_file = cli.check, cli.refuses, cli.shell, cli.scratch, cli.read_file

local FROZEN = "$S scripts/transfer_learning.lua --data_dir $T/two --model resnet18 --weights none --image_size 32"
   .. " --freeze_backbone --learning_rate 0.01 --epochs 3"

photos.set(scratch .. "/two", { blue = 14, red = 13 })

-- What a run of Exercise 1 into $T/<name> says; it has to end well.
local function trains(name, more)
   local r = shell(("%s --output_dir $T/%s %s"):format(FROZEN, name, more or ""))
   check(r.code == 0, name .. ": trains", r.all)
   return r
end

local function digest(path)
   return lfs.attributes(scratch .. "/" .. path) and scute.files.sha256(scratch .. "/" .. path) or "none"
end

-- ---- bytes ----

local function is_the_same_file_each_time()
   local more = "--epochs 30 --ema 0.9"
   trains("once", more)
   trains("twice", more .. " --workers 0")
   cli.interrupt(("%s --output_dir $T/stopped --save_steps 1 %s"):format(FROZEN, more), "INT", "epoch ", 4)
   local went_on = trains("stopped", more .. " --resume auto")
   check(went_on.out:find "going on from", "a run that was stopped goes on", went_on.all)
   for _, file in ipairs { "best", "last", "ema" } do
      local path = ("/resnet18/%s.safetensors"):format(file)
      check(digest("once" .. path) == digest("twice" .. path), file .. ": the same run twice")
      check(digest("once" .. path) == digest("stopped" .. path), file .. ": the same run stopped and gone on with")
   end
end

cli.run { is_the_same_file_each_time }
