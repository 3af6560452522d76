-- Whose the folder of a run is: <output_dir>/<model> belongs to one run at a time, which holds a lock on it, and has the files
-- of one run only. A run that is in the way is moved aside whole, to the next free number; what a run reads from stays where it
-- is, and the run lies beside it.
local lfs = require "lfs"
local scute = require "scute"
local apart = require "scute.data.apart"
local console = require "scute.base.console"
local lies_in = require "scute.base.lies_in"
local run_files = require "scute.base.run_files"
local run_folder = require "scute.base.run_folder"

local folder = {}

-- ---- what a run wrote ----

-- What else lies in a folder is the user's, and stays.
local function is_of_a_run(name)
   name = name:gsub("%.%d+%-%d+%.tmp$", "") -- a killed process was about to write it
   return run_files.is_one(name)
end

local function names_in(path)
   local names = {}
   for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then names[#names + 1] = name end
   end
   return names
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text
end

-- Whether there is something of a run that would be missed: an epoch in its history, weights or a checkpoint.
local function holds_a_run(path)
   for _, name in ipairs(names_in(path)) do
      if run_files.are_weights(name) then return true end
   end
   return read(path .. "/history.csv"):find "\n%d" ~= nil
end

local function remove_run(path)
   for _, name in ipairs(names_in(path)) do
      local removed, why = true, nil
      if is_of_a_run(name) then removed, why = os.remove(path .. "/" .. name) end
      if not removed then console.fail("output_dir: %s", why) end
   end
end

-- ---- what a run reads ----

-- The files that a run starts from: lists of path and what is in it.
local function sources_of(run)
   local sources = run_folder.sources(run.arguments)
   if run.model.weights then table.insert(sources, 1, { run.model.weights.path, "weights" }) end
   return sources
end

-- Where a run lies, and notes on why it is beside what it starts from.
local function choose(run)
   local notes = {}
   local path = run_folder.of(run.output_dir, run.model.arch, sources_of(run), function(taken, what, own)
      notes[#notes + 1] = ("%s holds the %s that this run starts from, and stays as it is; this run is in %s"):format(
         taken, what, own)
   end)
   return path, notes
end

-- ---- moving aside ----

-- The folders that were moved aside, and the highest number among them.
local function moved_from(path)
   local parent, base = path:match "^(.*)/" or ".", path:match "[^/]*$"
   local list, highest = {}, 0
   for _, name in ipairs(names_in(parent)) do
      local number = name:sub(1, #base + 1) == base .. "." and math.tointeger(tonumber(name:sub(#base + 2):match "^%d+$"))
      if number then
         list[#list + 1] = parent .. "/" .. name
         highest = math.max(highest, number)
      end
   end
   return list, highest
end

local function bytes_in(path)
   local found = lfs.symlinkattributes(path)
   if not found or found.mode ~= "directory" then return found and found.size or 0 end
   local sum = 0
   for _, name in ipairs(names_in(path)) do sum = sum + bytes_in(path .. "/" .. name) end
   return sum
end

local function space_of(list)
   local sum = 0
   for _, path in ipairs(list) do sum = sum + bytes_in(path) end
   return console.bytes(sum)
end

-- How to go on with a run that was not finished.
local function hint(path)
   local has_more = lfs.attributes(path .. "/checkpoint.safetensors") and read(path .. "/run.json"):find '"state": "[ri]'
   return has_more and (", --resume %s goes on with it"):format(path) or ""
end

-- Photos of a table lie anywhere, and their folders are no classes.
local function check_that_it_lies_apart(run, path, is_run)
   if run.set.dir and not run.set.is_listed then apart(path, run.set.dir, rawget(run.arguments, "layout"), is_run) end
end

local function check_that_it_may_move(run)
   local photos = run.set.dir
   if photos and lies_in(photos .. "/.", run.folder) then
      console.fail("output_dir: '%s' holds a run, which is in the way, and the photos ('%s') too; choose another --output_dir",
         run.folder, photos)
   end
end

-- ---- the lock ----

folder.LOCK = "run.lock"

local function lock(path)
   local held, holder = console.guard("output_dir", scute.files.lock, path .. "/" .. folder.LOCK)
   if held then return held end
   console.fail("output_dir: '%s' is in use by another run%s; wait for it, or choose another --output_dir", path,
      holder ~= "" and (" (%s)"):format(holder) or "")
end

-- The next free number beside a folder.
local function free_beside(path)
   local _, highest = moved_from(path)
   return ("%s.%d"):format(path, highest + 1)
end

-- what: what it holds, in a word.
local function cannot_move(path, target, what, why)
   console.fail("output_dir: '%s' holds a %s and cannot be moved aside to '%s' (%s); choose another --output_dir, or drop "
      .. "that %s with --overwrite", path, what, target, why, what)
end

local function rename_aside(path, target, what)
   local moved, why = os.rename(path, target)
   if not moved then cannot_move(path, target, what, why) end
end

-- The new folder is locked before the old one, whose lock moves along with it, is let go.
local function move_aside(run)
   check_that_it_may_move(run)
   local target = free_beside(run.folder)
   rename_aside(run.folder, target, "run")
   local before = run.lock
   run.lock = lock(run.folder)
   before:close()
   console.line("note: the run that was in %s is in %s now (what was moved aside takes %s); --overwrite drops one instead%s",
      run.folder, target, space_of((moved_from(run.folder))), hint(target))
end

-- The metatable of what lets go of a folder as it goes out of scope. held(): the lock that it has then.
local function closer(path, held)
   return { __close = function()
      held():close()
      lfs.rmdir(path) -- where nothing came into it
   end }
end

--- Takes a folder for this process, for as long as the value that is returned is in scope. Fails where another one has it.
function folder.hold(path)
   local held = { lock = lock(path) }
   return setmetatable(held, closer(path, function() return held.lock end))
end

--- Moves some of what is in a folder aside, into a folder with the next free number. names: what is moved; what: what that is,
-- for the line that says so.
function folder.set_aside(path, names, what)
   local target = free_beside(path)
   if path:find "^%.%.?$" or path:find "/%.%.?$" then cannot_move(path, target, what, "its name is none to count on from") end
   console.guard("output_dir", scute.files.mkdirs, target)
   for _, name in ipairs(names) do rename_aside(path .. "/" .. name, target .. "/" .. name, what) end
   console.line("note: the %s that was in %s is in %s now (what was moved aside takes %s); --overwrite drops one instead", what,
      path, target, space_of((moved_from(path))))
end

--- Decides where a run lies (run.folder, nil without an output_dir) and holds that folder for it. Of several processes the
-- first one does; the others read there what a run goes on from (run.read_folder).
function folder.take(run)
   if not run.output_dir then return nil end
   local path, notes = choose(run)
   for _, note in ipairs(notes) do console.line("note: %s", note) end
   check_that_it_lies_apart(run, path, true)
   if scute.world.rank > 0 then -- of several processes the first one writes
      run.read_folder = path
      return nil
   end
   run.folder = path
   run.lock = lock(path)
   return setmetatable({}, closer(path, function() return run.lock end))
end

--- The folder of a look at learning rates, beside that of the run which they are for: what it finds belongs to no run yet.
-- nil without an output_dir.
function folder.of_rates(run)
   if not run.output_dir then return nil end
   local path = choose(run) .. "_lr_find"
   check_that_it_lies_apart(run, path, false)
   return path
end

-- ---- runs of one --watch ----

--- What a run leaves in its folder, so that the run of the next save knows it: nil where nobody watches it.
function folder.mark()
   local name, number = scute.watched()
   return name and ("%s, run %d"):format(name, number)
end

--- Whether a mark (nil: there is none) was left by this same script at an earlier save. A run that has gone on since with what
-- was left has another mark, or none.
function folder.is_replaced(mark)
   local name, number = scute.watched()
   local theirs, which = tostring(mark):match "^([%d.]+), run (%d+)$"
   return name ~= nil and theirs == name and tonumber(which) < number
end

local function is_of_an_earlier_save(path)
   return folder.is_replaced(read(path .. "/run.json"):match '"watched": "([^"]*)"')
end

-- Those that it has moved aside itself, of which a script that trains several times into one folder leaves some.
local function drop_moved(run)
   for _, path in ipairs(moved_from(run.folder)) do
      local is_read = false
      for _, source in ipairs(sources_of(run)) do is_read = is_read or lies_in(source[1], path) end
      if not is_read and is_of_an_earlier_save(path) then
         remove_run(path)
         lfs.rmdir(path) -- where nothing else is in it
      end
   end
end

--- Sees to it that the folder of a run has no files of another one. Call when it is known what the run goes on from.
function folder.clear(run)
   if not run.folder or run.resumed and lies_in(run.resumed.path, run.folder) then return end
   drop_moved(run)
   local replaced = is_of_an_earlier_save(run.folder)
   if holds_a_run(run.folder) and not run.overwrite and not replaced then return move_aside(run) end
   if not lfs.attributes(run.folder .. "/run.json") then return end
   if holds_a_run(run.folder) and not replaced then
      console.line("note: the run that was in %s is dropped (--overwrite)", run.folder)
   end
   remove_run(run.folder)
end

return folder
