-- Whose the folder of a run is: what moves, what stays, and which names are a run's.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local lies_in = require "scute.base.lies_in"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local scratch = dofile "tests/lua/scratch.lua"

local root, folders = nil, 0

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

local function new_folder()
   folders = folders + 1
   return ("%s/out%d"):format(root, folders)
end

local function write(path, text)
   scute.files.mkdirs(path:match "^(.*)/")
   scute.files.write(path, text or "x")
end

local function listed(path)
   local names = {}
   for name in lfs.dir(path) do
      if name:sub(1, 1) ~= "." then names[#names + 1] = name end
   end
   table.sort(names)
   return table.concat(names, " ")
end

-- One epoch of a small network; change(options, model) for what is different.
local function fit(output, change)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create("baseline_cnn", { classes = set.classes, image_size = 32 }):freeze "backbone"
   local options = { workers = 0, batch_size = 8, epochs = 1, output_dir = output }
   if change then model = change(options, model, set) or model end
   options.optimizer = optim.sgd(model:groups { lr = 0.02 })
   return train.fit(model, set, options)
end

-- Breaks a run off before its first step.
local function break_off(options)
   options.hooks = { { on_fit_begin = function() error("pulled the plug", 0) end } }
end

-- What console.line said during f().
local function said(f)
   local lines, before = {}, console.line
   console.line = function(format, ...) lines[#lines + 1] = format:format(...) end
   local ok, why = pcall(f)
   console.line = before
   if not ok then error(why, 0) end
   return table.concat(lines, "\n")
end

describe("the folder of a run", function()
   it("goes to the run; one that is in the way gets the next number, whatever numbers are missing", function()
      local output = new_folder()
      fit(output)
      for _, name in ipairs { ".0x5/kept", ".4.old/kept", "2.9/kept" } do write(output .. "/baseline_cnn" .. name) end
      write(output .. "/baseline_cnn.3/kept", ("x"):rep(2000000))
      assert.equal(output .. "/baseline_cnn", fit(output).folder)
      assert.equal("baseline_cnn baseline_cnn.0x5 baseline_cnn.3 baseline_cnn.4 baseline_cnn.4.old baseline_cnn2.9",
         listed(output))
      local text = said(function() fit(output) end)
      local size = text:match "is in .*baseline_cnn%.5 now %(what was moved aside takes ([%d.]+) MB%)"
      assert.is_true(size and tonumber(size) > 2)
   end)

   it("is moved for an epoch, weights or a checkpoint, and for nothing less", function()
      for _, case in ipairs { { "history.csv", "epoch,step\n1,2\n", true }, { "history.csv", "epoch,step\n", false },
         { "best.safetensors", "", true }, { "last.safetensors", "", true }, { "ema.safetensors", "", true },
         { "best_ema.safetensors", "", true }, { "checkpoint.safetensors", "", true },
         { "checkpoint-12.safetensors", "", true }, { "checkpoint.new", "", false }, { "mine.safetensors", "", false } } do
         local output = new_folder()
         write(output .. "/baseline_cnn/run.json", "{}")
         write(output .. "/baseline_cnn/" .. case[1], case[2])
         pcall(fit, output, break_off)
         assert.equal(case[3] and "baseline_cnn baseline_cnn.1" or "baseline_cnn", listed(output), case[1])
      end
   end)

   it("keeps what is the user's where a run without an epoch is replaced", function()
      local output = new_folder()
      local here = output .. "/baseline_cnn/"
      for _, name in ipairs { "confusion.png", "split.csv", "notes.txt", "lr_find.csv", "lr_find.png", "my_run.json" } do
         write(here .. name)
      end
      pcall(fit, output, break_off)
      assert.is_truthy(lfs.attributes(here .. "split.csv")) -- there was no run yet
      for _, name in ipairs { "bad_images.csv", "events.out.tfevents.0000000001.host.7.0.scute", "run.json.12-3.tmp",
         "checkpoint.new", "gradcam_2.png", "history.csv" } do
         write(here .. name)
      end
      pcall(fit, output, break_off)
      assert.equal("events.jsonl lr_find.csv lr_find.png my_run.json notes.txt report.html run.json schedule.png split.csv",
         listed(here))
   end)

   it("is one run's at a time, also within a process, and is let go of however that ends", function()
      local output, why = new_folder(), nil
      fit(output, function(options)
         options.hooks = { { on_epoch_end = function()
            local ok
            ok, why = pcall(fit, output)
            assert(not ok)
         end } }
      end)
      assert.matches("^output_dir: '.*/baseline_cnn' is in use by another run %(process %d+ on .+%); wait for it, or choose "
         .. "another %-%-output_dir$", tostring(why))
      assert.equal("baseline_cnn", listed(output))
      pcall(fit, output, break_off)
      assert.is_nil(lfs.attributes(output .. "/baseline_cnn/run.lock"))
      pcall(fit, new_folder(), function(options) options.resume = "/nowhere/checkpoint.safetensors" end)
      assert.is_nil(lfs.attributes(("%s/out%d/baseline_cnn"):format(root, folders))) -- nothing came into it
   end)

   it("stays where it is when its run goes on, by whatever name", function()
      local output = new_folder()
      fit(output)
      lfs.link("baseline_cnn", output .. "/link", true)
      for epochs, resume in ipairs { "auto", output .. "/link", output .. "/link/checkpoint.safetensors" } do
         fit(output, function(options) options.epochs, options.resume, options.overwrite = epochs + 1, resume, epochs > 1 end)
         assert.equal("baseline_cnn link", listed(output))
      end
      local moved = new_folder()
      fit(moved)
      fit(moved, function(options) options.epochs, options.resume = 5, output .. "/baseline_cnn" end) -- from elsewhere
      assert.equal("baseline_cnn baseline_cnn.1", listed(moved))
   end)

   it("is beside the one that a model was loaded from, whoever loaded it", function()
      local output = new_folder()
      local first = fit(output).folder
      local function from(path)
         return fit(output, function() return models.load(path):unfreeze "head" end).folder
      end
      assert.equal(first .. "_tuned", from(first .. "/best.safetensors"))
      assert.equal(first .. "_tuned_tuned", from(first .. "_tuned/best.safetensors"))
      assert.equal(first .. "_tuned", from(first .. "/../baseline_cnn//last.safetensors"))
      assert.equal("baseline_cnn baseline_cnn_tuned baseline_cnn_tuned.1 baseline_cnn_tuned_tuned", listed(output))
   end)

   it("is beside the one whose split a run takes", function()
      local output = new_folder()
      write(output .. "/baseline_cnn/split.csv")
      local found = fit(output, function(options) options.arguments = { split_csv = output .. "/baseline_cnn/split.csv" } end)
      assert.equal(output .. "/baseline_cnn_tuned", found.folder)
   end)

   it("does not move with the photos in it", function()
      local output = new_folder()
      write(output .. "/baseline_cnn/best.safetensors")
      assert(os.rename(root .. "/photos", output .. "/baseline_cnn/photos"))
      assert(lfs.link(output .. "/baseline_cnn/photos", root .. "/photos", true))
      local ok, why = pcall(fit, output)
      os.remove(root .. "/photos")
      assert(os.rename(output .. "/baseline_cnn/photos", root .. "/photos"))
      assert.is_false(ok)
      assert.matches("holds a run, which is in the way, and the photos", tostring(why))
      assert.equal("baseline_cnn", listed(output))
   end)
end)

describe("a file lies in a folder", function()
   it("whatever the two are called", function()
      local here = new_folder()
      write(here .. "/a/b/file")
      write(here .. "/ab/file")
      lfs.link("a", here .. "/c", true)
      lfs.link("../a/b/file", here .. "/ab/link", true)
      lfs.link("link", here .. "/ab/link2", true)
      lfs.link("round", here .. "/round", true)
      for _, case in ipairs { { "/a/b/file", "/a", true }, { "/a/b/file", "/a/b", true }, { "/a/b/file", "/ab", false },
         { "/ab/file", "/a", false }, { "/c/b/../b/file", "/a/", true }, { "/a/b/file", "/c", true },
         { "/ab/link2", "/a/b", true }, { "/ab/link2", "/ab", true }, { "/ab/none", "/a", false }, { "/a/b", "/a/b", false },
         { "/round", "/a", false }, { "/a/b/file", "/none", false } } do
         assert.equal(case[3], lies_in(here .. case[1], here .. case[2]), case[1] .. " in " .. case[2])
      end
      assert.is_true(lies_in("/etc/passwd", "/"))
      assert.is_true(lies_in("README.md", "."))
      assert.is_false(lies_in("/", here))
   end)
end)

describe("files.list", function()
   it("has folders and everything else, with links where they lead", function()
      local path = root .. "/listed"
      for _, name in ipairs { "a/b", "c" } do scute.files.mkdirs(path .. "/" .. name) end
      scute.files.write(path .. "/file", "x")
      scute.files.write(path .. "/.hidden", "x")
      assert(lfs.link("a", path .. "/to_folder", true))
      assert(lfs.link("file", path .. "/to_file", true))
      assert(lfs.link("nowhere", path .. "/to_nothing", true))
      local named, others = scute.files.list(path)
      table.sort(named)
      table.sort(others)
      assert.same({ "a", "c", "to_folder" }, named)
      assert.same({ ".hidden", "file", "to_file", "to_nothing" }, others)
      assert.same({}, select(2, scute.files.list(path, true)))
      assert.equal(3, #scute.files.list(path, true))
   end)

   it("says which folder cannot be read", function()
      assert.error_matches(function() scute.files.list(root .. "/nowhere") end, "nowhere: No such file or directory")
   end)
end)

describe("files.stamp", function()
   it("is another one once a file was written to, or replaced by one that is as large", function()
      local one, two = root .. "/stamped", root .. "/other"
      scute.files.write(one, "x")
      local first = scute.files.stamp(one)
      assert.equal(first, scute.files.stamp(one))
      scute.files.write(two, "y")
      os.rename(two, one)
      assert.not_equal(first, scute.files.stamp(one))
      scute.files.write(one, "xy")
      assert.matches("^2%-%d+%.%d%d%d%d%d%d%d%d%d$", scute.files.stamp(one))
      assert.is_nil(scute.files.stamp(root .. "/nowhere"))
   end)
end)

describe("files.real", function()
   it("is where a path leads, without links", function()
      local real = scute.files.real(root)
      scute.files.mkdirs(root .. "/really/there")
      assert(lfs.link("really", root .. "/linked", true))
      assert.equal(real .. "/really/there", scute.files.real(root .. "/linked/../linked//./there/"))
      assert.is_nil(scute.files.real(root .. "/nowhere"))
   end)
end)
