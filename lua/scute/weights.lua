--- Weight files: reading, writing, finding and downloading them, and putting their tensors into a model.
--
--     local state = scute.weights.load "resnet18.pth"
--     print(#state.names, state.tensors["fc.weight"])
local core = require "scute.core"
local match = require "scute.weights.match"
local console = require "scute.base.console"
local official = require "scute.weights.official"
local sorted_keys = require "scute.base.sorted_keys"
local surplus = require "scute.base.surplus"

local files, weight_files = core.files, core.weight_files
local weights = { apply = match.apply, guess = match.guess }

--- The ImageNet weights of each model: names of files, today's first, then older ones of the same values. The eight digits
-- before the dot are the first of the file's sha256, as in PyTorch's own check. Where they come from: weights/official.lua.
weights.FILES = official.FILES

-- The core's messages name the file already; a position in this library would only hide them.
local function call(f, ...)
   local ok, result = pcall(f, ...)
   if not ok then error(result, 0) end
   return result
end

--- Reads a .safetensors, .pth or .pt file; its content tells the format. `path` may be a file that weights.open gave;
-- `device` defaults to "cpu".
-- Returns {names = list in the file's order, tensors = {name = tensor}, metadata = {key = text}, notes = list of lines
-- about what of a checkpoint was taken and what left out, format = text}.
-- Raises when the file cannot be read, is truncated or damaged, or holds no state dict.
function weights.load(path, device, ...)
   surplus.refuse("weights.load(path, device)", nil, ...)
   if device ~= nil and type(device) ~= "string" then
      error("weights.load: device: expected a name, as in weights.load(path, \"cpu\"), found " .. console.brief(device), 2)
   end
   return call(weight_files.load, path, device)
end
surplus.refused_by(weights.load)

-- names, tensors, keys and values of the metadata, as the core wants them
local function lists_of(state, metadata)
   local tensors, values = {}, {}
   for i, name in ipairs(state.names) do
      if not state.tensors[name] then
         error(("weights.save: '%s' is listed, but there is no tensor of that name"):format(name), 3)
      end
      tensors[i] = state.tensors[name]
   end
   metadata = metadata or state.metadata or {}
   local keys = sorted_keys(metadata)
   for i, key in ipairs(keys) do values[i] = metadata[key] end
   return state.names, tensors, keys, values
end

--- Writes a .safetensors file; whatever was there before is replaced only once the new file is whole and on disk.
-- `state` is {names = list, tensors = {name = tensor}}, as weights.load returns it; `metadata` is a table of text,
-- by default state.metadata.
function weights.save(path, state, metadata)
   call(weight_files.save, path, lists_of(state, metadata))
end

--- The same beside what the program does next: what the tensors hold now is written by a thread, which reads the file back and
-- compares. The metadata gets "checksum", the CRC-32 of all bytes (see host/files/seal.h). Returns a handle:
-- handle:done() tells whether it has ended; handle:finish() waits, raises what went wrong, and returns the processor time.
function weights.save_later(path, state, metadata)
   return call(weight_files.save_later, path, lists_of(state, metadata))
end

--- Raises where a file that save_later wrote is not whole. `path` may be an open file.
function weights.verify(path)
   call(weight_files.verify, path)
end

--- A file that is open for reading: what file:sha256() hashes, weights.verify(file) checks and weights.load(file) reads is
-- one and the same, whatever the name comes to stand for meanwhile. file:path() is that name, file:close() ends it.
function weights.open_file(path)
   return call(files.open, path)
end

--- The sha256 of a file, 64 hex digits.
function weights.sha256(path)
   local file <close> = weights.open_file(path)
   return call(file.sha256, file)
end

local function exists(path)
   local file = io.open(path, "rb")
   if file then file:close() end
   return file ~= nil
end

local function env(name)
   local value = os.getenv(name)
   return value ~= "" and value or nil
end

local function user_cache()
   local home = env "HOME"
   local cache = env "XDG_CACHE_HOME" or home and home .. "/.cache"
   if not cache then error("weights: HOME is not set; set SCUTE_CACHE to the folder for downloaded weights", 0) end
   return cache
end

--- The folder where scute keeps downloaded weights: $SCUTE_CACHE, else scute/weights in $XDG_CACHE_HOME or ~/.cache.
function weights.cache()
   return env "SCUTE_CACHE" or user_cache() .. "/scute/weights"
end

--- The folder where PyTorch keeps them: hub/checkpoints in $TORCH_HOME or $XDG_CACHE_HOME/torch or ~/.cache/torch.
function weights.torch_cache()
   return (env "TORCH_HOME" or user_cache() .. "/torch") .. "/hub/checkpoints"
end

local function bytes_text(n)
   return ("%.1f MB"):format(n / 1e6)
end

-- Draws one line on a terminal; elsewhere stays silent.
local function progress_bar(name)
   if not console.is_terminal(2) then return nil end
   return function(done, total)
      local share = total > 0 and done / total or 0
      local bar = ("#"):rep(math.floor(30 * share)) .. (" "):rep(30 - math.floor(30 * share))
      io.stderr:write(("\r%s [%s] %s of %s "):format(name, bar, bytes_text(done),
         total > 0 and bytes_text(total) or "?"))
   end
end

--- Downloads `url` to `path` and checks it: `sha256` is the digest or a prefix of it of at least 8 hex digits.
-- A bar is drawn on stderr if that is a terminal. Raises with what to do by hand; then no file is left behind.
function weights.fetch(url, path, sha256)
   local folder = path:match "^(.*)/[^/]*$"
   if folder and folder ~= "" then call(files.mkdirs, folder) end
   local bar = progress_bar(path:match "[^/]*$")
   local ok, message = pcall(files.download, url, path, sha256, bar)
   if bar then io.stderr:write "\n" end
   if not ok then error(message, 0) end
end

-- The whole sha256 of a file, where the user gives one that goes with the digits: in SCUTE_WEIGHTS_SHA256, or in FILE.sha256
-- in the cache folder, as sha256sum writes it.
local function whole_digest(file)
   local list <close> = io.open(weights.cache() .. "/" .. file .. ".sha256")
   for _, text in ipairs { env "SCUTE_WEIGHTS_SHA256" or "", list and list:read(64) or "" } do
      local digest = text:lower():match("^" .. ("%x"):rep(64) .. "$")
      if digest and digest:sub(1, 8) == official.digits_of(file) then return digest end
   end
   return nil
end

-- An official file of a folder, open, and its sha256; nil where it is not there. One of another sha256 is named and left alone.
local function look(folder, file, warn)
   local path = folder .. "/" .. file
   if not exists(path) then return nil end
   local open = weights.open_file(path)
   local expected, found = whole_digest(file) or official.digits_of(file), open:sha256()
   if found:sub(1, #expected) == expected then return open, found end
   open:close()
   warn(("%s is damaged (its sha256 begins with %s, expected %s) and is not used; delete it"):format(path,
      found:sub(1, #expected), expected))
   return nil
end

-- What weights.cached returns, the file being open.
local function open_cached(model, warn)
   for _, folder in ipairs { weights.cache(), weights.torch_cache(), official.checkout() } do
      for _, file in ipairs(weights.FILES[model] or {}) do
         local open, digest = look(folder, file, warn)
         if open then return open, digest end
      end
   end
   return nil
end

-- The path of a file that is closed again, and what else is given.
local function closed(file, ...)
   if not file then return nil end
   file:close()
   return file:path(), ...
end

--- The path of a model's ImageNet weights in scute's cache, in PyTorch's or where `make weights` puts them, and their sha256;
-- nil where none has them. Nothing is downloaded. `warn(text)` is told of damaged files.
function weights.cached(model, warn)
   return closed(open_cached(model, warn))
end

-- Who sits between could give other weights that begin with the same eight digits.
local function refuse_plain(file)
   error(("weights: %s is not fetched over plain http, where others can change it on its way and only eight digits of its "
      .. "sha256 are known; set SCUTE_WEIGHTS_SHA256 to all 64, or put them into %s/%s.sha256, or take https, or put the file "
      .. "%s into %s by hand"):format(file, weights.cache(), file, file, weights.cache()), 0)
end

-- Downloads the official file of a model into the cache; returns its path. One that a package carries is on no server but, it
-- may be, on that of the user.
local function download(model)
   local file, server = weights.FILES[model][1], env "SCUTE_WEIGHTS_URL" or official.server(model)
   if not server then error("weights: " .. official.told(model, weights.cache()), 0) end
   local base, query = server:match "^([^?#]*)(.*)$"
   local path, digest = weights.cache() .. "/" .. file, whole_digest(file)
   if not digest and base:lower():find "^http:" then refuse_plain(file) end
   weights.fetch(base:gsub("/+$", "") .. "/" .. file .. query, path, digest or official.digits_of(file))
   return path
end

-- Where several processes want a file at once, as those of scute --nproc do, one of them downloads it. What cannot be locked
-- cannot be written either, which is told better then.
local function wait_for_others(model)
   while true do
      local ok, held = pcall(files.lock, ("%s/%s.lock"):format(weights.cache(), weights.FILES[model][1]))
      if held or not ok then return ok and held or nil end
      core.process.wait({}, 0.1)
   end
end

local function open_imagenet(model, warn)
   if not weights.FILES[model] then
      local known = sorted_keys(weights.FILES)
      error(("weights: no ImageNet weights are known for '%s'; expected one of %s"):format(model,
         table.concat(known, ", ")), 0)
   end
   local found, digest = open_cached(model, warn)
   if found then return found, digest end
   local held <close> = wait_for_others(model) -- luacheck: ignore
   found, digest = open_cached(model, function() end)
   if found then return found, digest end
   local file = weights.open_file(download(model))
   return file, file:sha256()
end

local function to_stderr(message)
   console.warn("%s", message)
end

--- A model's weights: the file, open as weights.open_file gives it, and its sha256. What is loaded from it is what was hashed.
-- `which` is "imagenet" (scute's cache, then PyTorch's, then what `make weights` has fetched, then a download from
-- SCUTE_WEIGHTS_URL or the official place), or the path of a file. `warn(text)` is told of damaged files that are passed over;
-- by default it writes to stderr.
-- Raises, where no place has the file and the download fails, naming the file and the folder to put it into.
function weights.open(model, which, warn)
   if which == "imagenet" then return open_imagenet(model, warn or to_stderr) end
   if which:find "^%a[%w+.-]*://" then -- not shown: there may be a password in it
      error("weights: expected a path, imagenet or none, found a URL; download the file first", 0)
   end
   if not exists(which) then
      error(("weights: there is no readable file %s; expected a path, imagenet or none"):format(which), 0)
   end
   local file = weights.open_file(which)
   return file, call(file.sha256, file)
end

--- The path of a model's weights, and their sha256; `which` and `warn` as in weights.open.
function weights.find(model, which, warn)
   return closed(weights.open(model, which, warn))
end

local function entries_of(names, tensors)
   local entries = {}
   for i, name in ipairs(names) do entries[i] = { name = name, shape = { tensors[name]:size() } } end
   return entries
end

--- Copies a loaded state into the tensors of a model, in place, by the rules of weights.apply.
-- `target` is {names = , tensors = } like `state`; `opts` as in weights.apply. Nothing is changed when it raises.
-- Returns the report of weights.apply.
function weights.copy(target, state, opts)
   local report = match.apply(entries_of(target.names, target.tensors), entries_of(state.names, state.tensors), opts)
   for name, source in pairs(report.map) do
      local own, given = target.tensors[name], state.tensors[source]
      own:copy_(given.rank == own.rank and given or given:reshape(own.shape))
   end
   for _, name in ipairs(report.zeroed) do target.tensors[name]:fill_(0) end
   return report
end

return weights
