-- Checkpoints: everything a run needs to go on as if it had never stopped, in one file.
--
-- <output_dir>/<model>/checkpoint.safetensors is the newest, checkpoint-1.safetensors the one before it, and so on up to
-- the number that is kept. What is in one are the parts of the run's state (see scute.train.state): their tensors as PART.NAME,
--    model.NAME         what can have changed since the start: trained parameters, batch norm statistics
--    best.NAME          the same of the best epoch so far
--    average.NAME       the moving average of the weights, where there is one
--    best_average.NAME  the same of its best epoch so far
--    optimizer.NAME     the optimizer's state, by parameter
-- and as metadata format ("scute checkpoint"), version, checksum (CRC-32 of the file, see host/files/seal.h) and state: JSON
-- with the parts' data and what identifies the run. Nothing in the file is ever executed. What differs between several
-- processes (a clock of a hook's, a count in a layer) is there by rank.
--
-- A new file is written beside the old one, read back and compared before it takes the old one's name. A thread does that
-- while training goes on; what it writes is what the tensors held when it began.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local crops = require "scute.data.crops"
local readable = require "scute.base.readable"
local sorted_keys = require "scute.base.sorted_keys"
local alike = require "scute.train.alike"
local draws = require "scute.train.draws"
local exact = require "scute.train.exact"
local identity = require "scute.train.identity"
local photos = require "scute.train.photos"
local plain_text = require "scute.base.plain_text"
local ranks = require "scute.train.ranks"
local saving_alone = require "scute.train.saving"
local split_file = require "scute.data.split_file"
local state = require "scute.train.state"

local checkpoint = {}

local world = scute.world
local VERSION = "4"
local SHARE = 50 -- saving takes at most one part in so many of the time

-- ---- files ----

local function name_of(folder, i)
   return folder .. (i == 0 and "/checkpoint.safetensors" or ("/checkpoint-%d.safetensors"):format(i))
end

-- The content of a checkpoint that is whole; one open, so that what was found whole is what is used.
local function load_whole(path)
   local source <close> = scute.weights.open_file(path)
   local file = scute.weights.load(source)
   file.metadata = file.metadata or {}
   if file.metadata.format ~= "scute checkpoint" then error(path .. ": it is not a checkpoint", 0) end
   if file.metadata.version ~= VERSION then
      error(("%s: it has version %s, this program reads %s"):format(path, tostring(file.metadata.version), VERSION), 0)
   end
   scute.weights.verify(source)
   return file
end

-- Reads and verifies; nil and what is wrong.
local function read(path)
   local whole, file = pcall(load_whole, path)
   if not whole and scute.error_kind(file) == "out of memory" then error(file, 0) end -- which says nothing about the file
   if not whole then return nil, console.message(file) end
   local decoded, saved = pcall(exact.decode, file.metadata.state or "")
   if not decoded then return nil, ("%s: its state is damaged: %s"):format(path, tostring(saved)) end
   file.state, file.path = saved, path
   return file
end

-- The numbers of the checkpoints in a folder, the newest first.
local function numbers(folder)
   local list = {}
   if lfs.attributes(folder, "mode") ~= "directory" then return list end
   for file in lfs.dir(folder) do
      local i = file == "checkpoint.safetensors" and "0" or file:match "^checkpoint%-([1-9]%d*)%.safetensors$"
      list[#list + 1] = math.tointeger(i)
   end
   table.sort(list)
   return list
end

-- The newest one gets the name of the one before it as well, so that there is a checkpoint.safetensors at every moment. Where a
-- file cannot have two names (FAT, some network shares) it has only the older one until the new file takes the other.
local function set_aside(run)
   local newest, previous = name_of(run.folder, 0), name_of(run.folder, 1)
   os.remove(previous)
   local linked, why = lfs.link(newest, previous)
   if linked then return end
   assert(os.rename(newest, previous))
   if not run.checkpoint.told then
      console.line("note: a file in %s can have only one name (%s); a crash at the wrong moment leaves checkpoint-1 the newest",
         run.folder, why)
   end
   run.checkpoint.told = true
end

-- The older ones move on by one name.
local function rotate(run)
   for i = run.keep - 1, 2, -1 do os.rename(name_of(run.folder, i - 1), name_of(run.folder, i)) end
   if run.keep > 1 and lfs.attributes(name_of(run.folder, 0)) then set_aside(run) end
end

-- Gives a new file its name.
local function put_in_place(run, path)
   rotate(run)
   assert(os.rename(path, name_of(run.folder, 0)))
end

-- ---- saving ----

-- What cannot be written is a mistake in a hook or a module, which another try does not mend.
local function check_parts(parts)
   for name, data in pairs(parts) do
      local ok, why = pcall(exact.check, data)
      if not ok then console.fail("checkpoint: the state of '%s': %s", name, why) end
   end
end

-- Plain data that processes keep for themselves: that of layers and of hooks of the user's; and tensors of the hooks.
local function own_data(run)
   local data, tensors = state.take(run, state.parts(run.own_hooks))
   data.model = run.model:fields()
   return data, tensors
end

-- Of several processes: the first one, which saves, knows what the others keep for themselves. run.apart: by rank, that data by
-- the names of parts; nil where it is the same in all of them. Tensors are, or the run ends. Together.
local function share_own(run)
   local data, tensors = own_data(run)
   alike.check_hooks(tensors)
   check_parts(data)
   run.apart = nil
   if #world.differing(plain_text(data)) == 0 then return end
   local list = world.texts(exact.encode(data))
   for i, text in ipairs(list) do list[i] = exact.decode(text) end
   run.apart = list
end

-- Each process takes its own back, where there are as many of them.
local function take_own(saved)
   local apart = saved.apart
   if not apart then return end
   if #apart ~= world.size then
      return console.line("note: hooks or layers had states of their own in each of %s; all go on with that of the first one",
         console.count(#apart, "process", "processes"))
   end
   local changing = saved.parts.model.changing
   for name, data in pairs(apart[world.rank + 1]) do saved.parts[name] = data end
   saved.parts.model.changing = changing
end

-- The plain data of this moment as text, and its tensors.
local function content_of(run)
   local parts, tensors = state.take(run, run.parts)
   check_parts(parts)
   return exact.encode { identity = identity.of(run), threads = scute.threads(), parts = parts, apart = run.apart }, tensors
end

--- What a checkpoint of this moment holds, in memory: plain data as text, and tensors by name.
function checkpoint.copy(run)
   local text, tensors = content_of(run)
   local copies = {}
   for name, tensor in pairs(tensors) do copies[name] = tensor:clone() end
   return text, copies
end

-- Begins to write; returns the handle.
local function begin(run)
   scute.files.mkdirs(run.folder)
   local text, tensors = content_of(run)
   return scute.weights.save_later(run.folder .. "/checkpoint.new", { names = sorted_keys(tensors), tensors = tensors },
      { format = "scute checkpoint", version = VERSION, state = text })
end

-- f(...), what it took from the training being added to the cost; a failure is told and tried again at the next save.
local function attempt(run, f, ...)
   local saving, start = run.checkpoint, scute.clock()
   local ok, result = pcall(f, ...)
   saving.cost = saving.cost + scute.clock() - start
   if not ok and console.is_failure(result) then error(result, 0) end
   saving.failed = not ok and console.message(result) or nil
   if not ok then
      run.meter:clear()
      console.warn("no checkpoint could be saved: %s; training goes on and tries again", saving.failed)
   end
   return ok and result
end

-- Gives the checkpoint that is being written its name, once it is whole. With `wait` not before that.
local function settle(run, wait)
   local saving = run.checkpoint
   local handle = saving.writing
   if not handle or not wait and not handle:done() then return end
   local held <close> = saving_alone.hold() -- luacheck: ignore
   saving.writing = nil
   attempt(run, function()
      saving.cost = saving.cost + handle:finish() -- the thread's share of the processors
      put_in_place(run, run.folder .. "/checkpoint.new")
      saving.saved = true
   end)
end

--- Begins to save a checkpoint of this moment, and with `wait` returns only when it is on disk. One that cannot be written is
-- told and tried again at the next; the run goes on.
function checkpoint.save(run, wait)
   local held <close> = saving_alone.hold() -- luacheck: ignore
   if not run.folder or not run.position then return end
   if run.unread then run.unread:settle() end
   settle(run, true)
   local saving = run.checkpoint
   saving.cost, saving.saved, saving.at = 0, false, scute.clock()
   saving.writing = attempt(run, begin, run) or nil
   if wait then settle(run, true) end
end

-- ---- going on ----

-- The newest whole checkpoint in a folder, or nil where there is none at all.
local function newest(folder)
   local faults = {}
   for _, i in ipairs(numbers(folder)) do
      local file, why = read(name_of(folder, i))
      if file then
         for _, fault in ipairs(faults) do console.warn("%s", fault) end
         if i > 0 then console.warn("the checkpoint before it is used: %s", file.path) end
         return file
      end
      faults[#faults + 1] = why
   end
   if #faults > 0 then console.fail("resume: no checkpoint in %s is whole: %s", folder, table.concat(faults, "; ")) end
   return nil
end

local function named(path)
   local mode = lfs.attributes(path, "mode")
   if not mode then console.fail("resume: there is no file '%s'", path) end
   if mode == "directory" then
      return newest(path) or console.fail("resume: there is no checkpoint in the folder '%s'", path)
   end
   local file, why = read(path)
   return file or console.fail("resume: %s", why)
end

-- The checkpoint that the run shall go on from, or nil.
local function find(run)
   local how = run.resume
   if not how or how == "off" then return nil end
   if how ~= "auto" then return named(how) end
   local folder = run.folder or run.read_folder
   if not folder then console.fail "resume: without an output_dir there is nothing to go on from" end
   local file = newest(folder)
   if not file then console.line("resume: there is no checkpoint in %s yet; starting at the beginning", folder) end
   return file
end

-- Photos that could not be read are none of what the run learned from: one that is gone is not missed, and one that was mended
-- stays left out.
local function hold_photos(run)
   local lost = { train = {}, val = {} }
   for _, entry in ipairs(run.resumed.state.parts.photos.list) do lost[entry.part][entry.index] = true end
   local folder = run.resumed.path:match "^(.*)/" or "."
   local digests = split_file.hold(run.set, folder .. "/" .. split_file.NAME, function(entry, index)
      return lost[entry.split][index]
   end)
   for side, indices in pairs(lost) do
      for index in pairs(indices) do
         local path = run.set[side].paths[index]
         if path and readable(path, crops.of(run.set[side], index)) then
            run.set.notes[#run.set.notes + 1] = ("'%s' could not be read when the run began and can be now; it stays left out")
               :format(path)
         end
      end
   end
   return digests
end

--- Reads the checkpoint that the run shall go on from, verified, and makes the photos those of that run: what has come into the
-- data folder since is not its, and a split drawn over that would be another.
-- run.continued: one in memory (see scute.train.result). run.resume: nil or "off", "auto" (the newest in the run's own folder,
-- if there is one), or a path.
function checkpoint.open(run)
   run.checkpoint = { at = scute.clock(), cost = 0 }
   run.resumed = run.continued or find(run)
   for path, digest in pairs(run.set.digests or {}) do run.digests[path] = digest end -- of runs that it is compared with
   if not run.resumed then return end
   local known = run.continued and run.continued.digests or hold_photos(run)
   for path, digest in pairs(known or {}) do run.digests[path] = digest end
   photos.recall_digests(run, run.resumed.state.parts.photos)
end

--- Fails where what open() read is of another run; nothing is changed yet.
function checkpoint.check(run)
   if run.folder or run.resumed or run.shared then identity.begin(run) end
   if run.resumed then identity.check(run.resumed, run) end
end

--- Brings the run to where the checkpoint that open() read was made. Returns whether there was one.
function checkpoint.restore(run)
   local file = run.resumed
   if not file then return false end
   take_own(file.state)
   state.put(run, run.parts, file.state.parts, file.tensors)
   if file.state.threads ~= scute.threads() then
      console.warn("the checkpoint was made with --threads %d, this run has %d: the last digits will differ",
         file.state.threads, scute.threads())
   end
   console.line("going on from %s: epoch %d, step %d", file.path, run.position.epoch, run.step)
   return true
end

-- ---- when ----

-- Whether another save would take at most a SHARE of the time, and not have to wait for the last one.
local function is_cheap(run)
   local saving = run.checkpoint
   return not saving.writing and scute.clock() - saving.at >= SHARE * saving.cost
end

-- Whether one is due by the clock. Of several processes the first one, which saves, tells the others before a step ends
-- (run.checkpoint.asked, run.checkpoint.due), since all of them have a part in it.
local function is_due(run)
   return scute.clock() - run.checkpoint.at >= run.save_every * 60 and is_cheap(run)
end

-- Of several processes: what was computed and what was heard of photos until now is known to the first one, and what each
-- keeps for itself; they draw the same from here on, as they will where they go on from there. Together.
local function catch_up(run)
   if not run.shared then return end
   if run.unread then run.unread:settle() end
   photos.share(run)
   draws.alike(run)
   if run.position then share_own(run) end -- before the first update there is nothing to save
end

--- The hook that saves: after epochs (unless they are so short that it would take more than 2 % of the time), every
-- save_every minutes, every save_steps steps, at the end and when a signal stops the run.
checkpoint.hook = {
   on_step_begin = function(run)
      if run.shared then run.checkpoint.asked = run.folder and is_due(run) end
   end,
   on_step_end = function(run)
      settle(run)
      local saving, every = run.checkpoint, run.save_steps
      local due = saving.due
      if not run.shared then due = is_due(run) end
      if not (every and run.step % every == 0 or due) then return end
      saving.asked, saving.due = nil, nil
      catch_up(run)
      local start = scute.clock()
      checkpoint.save(run)
      ranks.leave_out(run, scute.clock() - start)
   end,
   on_epoch_end = function(run)
      run.position = { epoch = run.epoch, batches = 0, whole = true }
      run.checkpoint.asked, run.checkpoint.due = nil, nil
      catch_up(run)
      settle(run)
      local last = run.stopped or run.epoch == run.epochs
      if last or is_cheap(run) then checkpoint.save(run, last) end
   end,
   on_interrupt = function(run)
      settle(run, true)
      run.checkpoint.saved = false
      catch_up(run)
      if run.started then checkpoint.save(run, true) end
   end,
   on_fit_end = function(run) settle(run, true) end, -- after an error there may be one under way
}

return checkpoint
