-- scripts/export.lua as a user runs it: what it writes, and every mistake with its exit code and its one line.
-- Usage: scute tests/export/script.lua
local lfs = require "lfs"
local scute = require "scute"
local cli = dofile "tests/cli/shell.lua"
local scratch, shell, refuses, check = cli.scratch, cli.shell, cli.refuses, cli.check

local MODEL = "$T/run/best.safetensors"
local LINE = "$S scripts/export.lua --model " .. MODEL .. " "

local function save_models()
   scute.files.mkdirs(scratch .. "/run")
   scute.manual_seed(0)
   local model = scute.models.mobilenet_v2 { classes = { "a", "b" }, image_size = 32 }
   scute.no_grad(function()
      for _ = 1, 3 do model:train()(scute.randn(4, 3, 32, 32)) end -- statistics of its own
   end)
   scute.models.save(model, scratch .. "/run/best.safetensors")
   local x = scute.randn(2, 3, 32, 32)
   local y = scute.no_grad(model:eval().call, model, x)
   scute.weights.save(scratch .. "/scores.safetensors", { names = { "x", "y" }, tensors = { x = x, y = y } })
   scute.models.save(scute.models.baseline_cnn { classes = { "a", "b" }, image_size = 32 }, scratch .. "/own.safetensors")
end

local function writes()
   for format, name in pairs { onnx = "m.onnx", torch = "m.safetensors", timm = "t.safetensors" } do
      local r = shell(LINE .. "--format " .. format .. " --output $T/" .. name)
      check(r.code == 0 and r.out:find("wrote " .. scratch .. "/" .. name, 1, true), "exports to " .. format, r.all)
      check(r.err:find "^scute: note: how accurate the model is does not stand there: .*run.json: No such file",
         "tells what is not known: " .. format, r.err)
   end
   check(lfs.attributes(scratch .. "/m.json") and lfs.attributes(scratch .. "/t.json"), "sheets lie beside the weights")
   local r = shell(LINE .. "--format torch --output $T/m.safetensors --overwrite --quiet")
   check(r.code == 0 and r.out == "", "--overwrite, --quiet", r.all)
   r = shell("S=$(realpath $S); cd $T && " .. LINE .. "--format onnx --output here.onnx")
   check(r.code == 0 and lfs.attributes(scratch .. "/here.onnx"), "into this folder", r.all)
   for name in lfs.dir(scratch) do check(not name:find "tmp", "no temporary file is left: " .. name) end
end

-- The lines that stand in the sheets, in a Python that has what they import.
local function loads()
   local python = os.getenv "PYTHON" or "python3"
   for sheet, modules in pairs { m = "torch, torchvision", t = "torch, timm" } do
      if shell(("%s -c 'import safetensors, %s'"):format(python, modules)).code == 0 then
         local r = shell(("%s tests/export/loads.py $T/%s.json $T/scores.safetensors"):format(python, sheet))
         check(r.code == 0 and r.out:find "off by", "what was exported is loaded: " .. modules, r.all)
      else
         print(("not run: loading by %s, which %s has not (PYTHON= says which to use)"):format(modules, python))
      end
   end
end

local function refuses_usage()
   refuses("no format", 2, "--format is missing", LINE .. "--output $T/x.onnx")
   refuses("an unknown format", 2, "expected one of onnx, torch, timm, found 'onxn'; did you mean 'onnx'?",
      LINE .. "--format onxn --output $T/x.onnx")
   refuses("no output", 2, "--output is missing", LINE .. "--format onnx")
   refuses("another ending", 2, "expected a file of format torch to be called something.safetensors, found ",
      LINE .. "--format torch --output $T/x.pth")
   refuses("an option of another format", 2, "--dtype is of --format onnx",
      LINE .. "--format timm --dtype f16 --output $T/x.safetensors")
   refuses("an unknown input", 2, "did you mean 'uint8'?", LINE .. "--format onnx --input uint --output $T/x.onnx")
end

local function refuses_models()
   local function with(model)
      return "$S scripts/export.lua --format torch --output $T/x.safetensors --model " .. model
   end
   refuses("a model that is not there", 1, "nowhere.safetensors", with "$T/nowhere.safetensors")
   refuses("a weight file", 1, "does not say its architecture", with "tests/golden/pth/tiny.safetensors")
   refuses("a network that torchvision has not", 1, "'baseline_cnn' is none of torchvision's networks; format onnx takes any",
      with "$T/own.safetensors")
end

local function refuses_output()
   refuses("no such folder", 1, "there is no folder '" .. scratch .. "/nowhere'; make it first",
      LINE .. "--format onnx --output $T/nowhere/x.onnx")
   refuses("a file for a folder", 1, "own.safetensors' is no folder",
      LINE .. "--format onnx --output $T/own.safetensors/x.onnx")
   refuses("the model itself", 1, "is the model itself; choose another file",
      LINE .. "--format torch --overwrite --output " .. MODEL)
   refuses("a file of the run", 1, "last.safetensors' is a file of the run that lies there; choose another name",
      "mkdir $T/other; touch $T/other/run.json; " .. LINE .. "--format torch --overwrite --output $T/other/last.safetensors")
   refuses("a sheet that is a file of the run", 1, "run.json' is a file of the run",
      LINE .. "--format timm --overwrite --output $T/other/run.safetensors")
   refuses("a file that is there", 1, "m.onnx' is there already; --overwrite replaces it",
      LINE .. "--format onnx --output $T/m.onnx")
   refuses("a sheet that is there", 1, "t.json' is there already", "rm $T/t.safetensors; " .. LINE
      .. "--format timm --output $T/t.safetensors")
   refuses("a folder for a file", 1, "d.onnx' is a folder", "mkdir $T/d.onnx; " .. LINE .. "--format onnx --output $T/d.onnx")
   for format, name in pairs { onnx = "full.onnx", torch = "full.safetensors" } do
      refuses("a full disk", 1, name, ("ulimit -f 2000; %s--format %s --output $T/%s"):format(LINE, format, name))
   end
   for name in lfs.dir(scratch) do
      local is_left = name:find "^full" or name:find "tmp" or name:find "^x%."
      check(not is_left, "nothing is left of what was refused: " .. name)
   end
end

cli.run { save_models, writes, loads, refuses_usage, refuses_models, refuses_output }
