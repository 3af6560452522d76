-- Logs and monitoring from inside: checksums, what is told of hardware, and what happens when a log cannot be written.
local cjson = require "cjson"
local scute = require "scute"
local models, optim, train, data = scute.models, scute.optim, scute.train, scute.data
local hardware = require "scute.train.hardware"
local photos = dofile "tests/cli/photos.lua"
local console = require "scute.base.console"
local tensorboard = require "scute.report.tensorboard"

local root

local function fit(options)
   scute.manual_seed(1)
   local set = data.open(root .. "/photos", { seed = 0 })
   local model = models.create("resnet18", { classes = set.classes, image_size = 32 }):freeze "backbone"
   options.optimizer = optim.sgd(model:groups { lr = 0.05 })
   options.workers, options.batch_size, options.epochs = 1, 8, options.epochs or 2
   return train.fit(model, set, options)
end

-- Trains without a word; returns the warnings as one text, and the result.
local function quietly(options)
   local warn, quiet, said = console.warn, console.quiet, {}
   console.quiet = true
   console.warn = function(format, ...) said[#said + 1] = format:format(...) end
   local ok, result = pcall(fit, options)
   console.warn, console.quiet = warn, quiet
   assert(ok, result)
   return table.concat(said, "\n"), result
end

setup(function()
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { blue = 14, red = 13 })
end)

teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

describe("TensorBoard's records", function()
   it("have CRC-32C", function()
      -- RFC 3720, B.4: 32 bytes of 0, of 0xff, ascending; and its usual check value. Masked as TensorFlow's.
      local function masked(crc) return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff end
      local ascending = {}
      for i = 0, 31 do ascending[i + 1] = string.char(i) end
      for text, crc in pairs { [("\0"):rep(32)] = 0x8a9136aa, [("\xff"):rep(32)] = 0x62a8ab43,
         [table.concat(ascending)] = 0x46dd794e, ["123456789"] = 0xe3069283, [""] = 0 } do
         assert.equal(masked(crc), tensorboard.masked_crc(text))
      end
   end)

   it("refuse what is no PNG", function()
      local folder = root .. "/board"
      scute.files.mkdirs(folder)
      local board <close> = tensorboard.open(folder)
      assert.error_matches(function() board:image("x", 1, "GIF89a") end, "expected the bytes of a PNG")
      assert.error_matches(function() tensorboard.open(root .. "/nowhere") end, "nowhere")
   end)

   -- The data of all records of a file; an error where one is not whole.
   local function records_of(text)
      local list, at = {}, 1
      while at <= #text do
         local n, crc = string.unpack("<I8I4", text, at)
         local content = text:sub(at + 12, at + 11 + n)
         assert.equal(tensorboard.masked_crc(text:sub(at, at + 7)), crc)
         assert.equal(tensorboard.masked_crc(content), (string.unpack("<I4", text, at + 12 + n)))
         list[#list + 1], at = content, at + 16 + n
      end
      return list
   end

   it("go on behind the last whole one of a file that was cut anywhere", function()
      local folder = root .. "/cut"
      scute.files.mkdirs(folder)
      local board = tensorboard.open(folder)
      for step = 1, 3 do board:scalar("loss", step, 1 / step) end
      board:close()
      local whole, seen = read(board.path), {}
      local all = records_of(whole)
      for n = 0, #whole do
         scute.files.write(board.path, whole:sub(1, n))
         local again = tensorboard.open(folder, { resume_at = 3 })
         again:scalar("loss", 4, 0.25)
         again:close()
         assert.equal(board.path, again.path)
         local found = records_of(read(board.path))
         for i = 1, #found - 1 do
            if i > 1 or n >= 40 then assert.equal(all[i], found[i]) end -- of the first, the version, the time may be another
         end
         assert.is_truthy(found[1]:find("brain.Event:2", 1, true) and found[#found]:find("loss", 1, true))
         seen[#found] = true
      end
      assert.same({ false, true, true, true, true }, { seen[1] or false, seen[2], seen[3], seen[4], seen[5] })
   end)

   it("do without a disk", function()
      local open = tensorboard.open
      tensorboard.open = function() error("tensorboard: no space left", 0) end
      local warned, result = quietly { output_dir = root .. "/full", tensorboard = true }
      tensorboard.open = open
      assert.matches("no space left; training goes on without TensorBoard", warned)
      assert.equal(2, #result.history)
   end)
end)

describe("hardware", function()
   local gpu = { index = 0, name = "Fake", memory = 3e9, memory_total = 8e9, use = 0.5, power = 200, temperature = 70,
      throttled = false }

   it("in words", function()
      local sample = { memory = 1.5e9, cores = 1.5, temperature = 71.4, throttled = false, gpus = { gpu } }
      assert.same({ "1.5 GB", "CPU 150%", "71 C" }, hardware.words(sample, "cpu"))
      assert.same({ "GPU 50%", "3.0 GB", "70 C", "200 W" }, hardware.words(sample, "cuda"))
      assert.same({ "GPU 50%", "3.0 GB", "70 C", "200 W" }, hardware.words(sample, "cuda:0"))
      assert.same({}, hardware.words({ gpus = {} }, "cpu"))
   end)

   it("is sampled by time, averaged, and throttling is told once", function()
      local calls = 0
      local monitor = { sample = function()
         calls = calls + 1
         return { memory = 100 + calls, peak_memory = 200, cores = calls, temperature = 100 - calls, throttled = calls == 2,
            gpus = { gpu } }
      end }
      local seen, first = {}, 1
      local warned = quietly { hooks = { hardware.hook(monitor, 0), { on_epoch_end = function(run)
         seen[#seen + 1] = { hardware = run.hardware.epoch, first = first, last = calls }
         first = calls + 1
      end } } }
      assert.equal(2, #seen)
      for i, epoch in ipairs(seen) do
         assert.is_true(epoch.last >= epoch.first + 2)
         assert.equal((epoch.first + epoch.last) / 2, epoch.hardware.cores)
         assert.equal(100 + epoch.last, epoch.hardware.memory)
         assert.equal(100 - epoch.first, epoch.hardware.temperature)
         assert.equal(i == 1, epoch.hardware.throttled)
         assert.equal(3e9, epoch.hardware.gpus[1].memory_most)
      end
      local _, times = warned:gsub("the processor's clock is throttled by heat %(98 C%)", "")
      assert.equal(1, times)
      calls = 0
      quietly { hooks = { hardware.hook(monitor, 1000) } }
      assert.equal(1, calls) -- the first epoch has one in any case
   end)

   it("of this machine", function()
      local monitor <close> = scute.monitor()
      local sample = monitor:sample()
      assert.is_true(sample.memory > 1e6 and sample.memory <= sample.peak_memory)
      assert.is_true(sample.cores >= 0 and #sample.gpus >= 0)
      monitor:free()
      assert.error_matches(function() monitor:sample() end, "this monitor was freed")
   end)
end)

describe("events.jsonl", function()
   it("goes on behind the last whole line of a file that was cut anywhere", function()
      local line = '{"event":"epoch","step":3}\n'
      local whole = '{"event":"start"}\n' .. line .. line:gsub("3", "6")
      for n = 0, #whole do
         scute.files.write(root .. "/events.jsonl", whole:sub(1, n))
         local run = { folder = root, model = { arch = "resnet18" }, device = "cpu", epochs = 1, arguments = {}, step = 3,
            epoch = 1, resumed = {}, set = { train = { paths = {} }, val = { paths = {} } } }
         require "scute.train.events".hook().on_fit_begin(run)
         local kinds = {}
         for text in read(root .. "/events.jsonl"):gmatch "[^\n]+" do
            local found = cjson.decode(text)
            kinds[#kinds + 1] = found.event .. (found.step and ("%d"):format(found.step) or "")
         end
         local expected = n < 18 and "start resume3" or n < 18 + #line and "start resume3" or "start epoch3 resume3"
         assert.equal(expected, table.concat(kinds, " "))
      end
   end)

   it("is JSON also where a loss is none", function()
      local row = { epoch = 1, step = 3, train_loss = 0 / 0, train_accuracy = 0.5, val_loss = math.huge, val_accuracy = 0,
         rates = {} }
      local run = { folder = root, model = { arch = "resnet18" }, device = "cpu", epochs = 1, arguments = {}, step = 3,
         set = { train = { paths = {} }, val = { paths = {} } }, row = row, history = { row }, best = row,
         outcome = "finished" }
      local hook = require "scute.train.events".hook()
      hook.on_fit_begin(run)
      hook.on_epoch_end(run)
      hook.on_fit_end(run)
      local last
      for line in read(root .. "/events.jsonl"):gmatch "[^\n]+" do
         local found = cjson.decode(line)
         if found.event == "epoch" then last = found end
      end
      assert.equal(cjson.null, last.train_loss)
      assert.equal(cjson.null, last.val_loss)
      assert.equal(0.5, last.train_accuracy)
   end)
end)
