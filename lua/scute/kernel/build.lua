-- C into a library that the running program opens: by the compiler that scute was built with, or SCUTE_CC. What was compiled
-- once is kept (scute.kernel.kept), per source, flags, compiler and processor.
local scute = require "scute.core"
local absolute = require "scute.base.absolute"
local console = require "scute.base.console"
local kept = require "scute.kernel.kept"
local lfs = require "lfs"

local build = {}

build.PATIENCE = 120 -- seconds until a compiler that does not end is given up
build.LONGEST = 4000000 -- bytes that it may say in the meantime

-- Results must stay right for NaN and infinity; the second set is for compilers that do not know the first. What would be
-- another number than the text has is an error, and so is what a compiler sees read before it is assigned.
local FLAGS = {
   { "-std=c11", "-O3", "-march=native", "-pipe", "-Werror=overflow", "-Werror=div-by-zero", "-Werror=uninitialized",
      "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math" },
   { "-O2", "-w", "-fPIC", "-shared" },
}

-- What f returns; nil and what went wrong, but for memory that ran out.
local function tried(f, ...)
   local ok, value = pcall(f, ...)
   if ok then return value end
   if scute.error_kind(value) then error(value, 0) end
   return nil, console.message(value)
end

local function first_of(path, bytes)
   local file = io.open(path, "rb")
   local text = file and file:read(bytes) or ""
   if file then file:close() end
   return text
end

-- ---- the compiler ----

local function is_program(path)
   local mode, permissions = lfs.attributes(path, "mode"), lfs.attributes(path, "permissions")
   return mode == "file" and permissions:find "x" ~= nil
end

-- Where a shell would find a program.
local function find_program(name)
   if name:find "/" then return is_program(name) and name or nil end
   for folder in (os.getenv "PATH" or "/usr/bin:/bin"):gmatch "[^:]+" do
      if is_program(folder .. "/" .. name) then return folder .. "/" .. name end
   end
end

-- The compiler as it was typed.
local function typed()
   local other = os.getenv "SCUTE_CC" or ""
   return other ~= "" and other or scute.own_op_compiler()
end

--- Whether the compiler is the one that scute was built with, so that its OpenMP is the one that scute runs; another's would be
-- a second one in the program, with threads of its own.
function build.is_own()
   local function path(text) return find_program(text:match "%S+" or "") end
   return path(typed()) == path(scute.own_op_compiler())
end

-- The compiler's words, the first of them with its path; nil and what is missing.
local function compiler()
   local words = {}
   for word in typed():gmatch "%S+" do words[#words + 1] = word end
   local path = words[1] and find_program(words[1])
   if not path and words[2] then
      return nil, ("there is no program '%s', which calls the compiler ('%s'); install it, or set SCUTE_CC to a compiler")
         :format(words[1], typed())
   elseif not path then
      return nil, ("there is no C compiler '%s'; install it (on Debian: apt install gcc libc6-dev), or set SCUTE_CC to "
         .. "another one"):format(words[1] or "")
   end
   words[1] = absolute(path)
   return words
end

-- What the compiler makes for this processor alone; the first section of /proc/cpuinfo says which that is.
local function processor()
   local text = first_of("/proc/cpuinfo", 8192):match "^(.-)\n\n" or ""
   local lines = {}
   for line in text:gmatch "[^\n]+" do
      if line:find "^model" or line:find "^flags" or line:find "^Features" or line:find "^CPU" then lines[#lines + 1] = line end
   end
   return table.concat(lines, "\n")
end

-- ---- one run of it ----

local function remove_folder(folder)
   local _, names = scute.files.list(folder)
   for _, name in ipairs(names) do os.remove(folder .. "/" .. name) end
   os.remove(folder)
end

-- Ends what a build has begun, however it ends.
local Work = {}
Work.__index = Work

function Work:__close()
   if self.child then
      pcall(scute.process.signal, self.child, "SIGKILL")
      for _ = 1, 100 do
         if scute.process.wait({ self.child }, 0.1) then break end
      end
   end
   remove_folder(self.folder)
end

local function size_of(path)
   return lfs.attributes(path, "size") or 0
end

-- Whether the child ended well; nil and why it was given up.
function Work:wait()
   local waited = 0
   while true do
      local id, how, code = scute.process.wait({ self.child }, 0.5)
      if id then
         self.child = nil
         return how == "exit" and code == 0
      end
      waited = waited + 0.5
      if waited >= build.PATIENCE then return nil, ("it did not end within %g s"):format(build.PATIENCE) end
      if size_of(self.folder .. "/said") > build.LONGEST then return nil, "it said more than anybody can read" end
   end
end

function Work:compile(words)
   local said = self.folder .. "/said"
   os.remove(said)
   local environment = { "LC_ALL=C", "TMPDIR=" .. self.folder }
   local child, problem = tried(scute.process.start, words, environment, said, said, self.folder)
   if not child then return nil, problem end
   self.child = child
   local done, why = self:wait()
   return done, why or first_of(said, 65536)
end

-- nil and what went wrong.
local function write(path, text)
   local file, why = io.open(path, "wb")
   if not file then return nil, why end
   local done
   done, why = file:write(text)
   local closed, late = file:close()
   return done and closed, why or late
end

local function home()
   return (scute.module_file "scute" or ""):match "^(.*)/lua/scute/init%.lua$" or "."
end

--- The text of kernels/cpu/vmath.h, which sources include.
function build.header()
   local file <close> = assert(io.open(home() .. "/kernels/cpu/vmath.h", "rb"))
   return file:read "a"
end

local function command(words, flags, options)
   local all = table.move(words, 1, #words, 1, {})
   for _, list in ipairs { flags, options.flags or {} } do table.move(list, 1, #list, #all + 1, all) end
   return table.move({ "-I" .. home(), "-o", "kernel.so", "kernel.c", "-lm" }, 1, 5, #all + 1, all)
end

--- The first error about a text of the user's in what a compiler said, as "kernel 'mish', forward, line 2: ..."; nil: there is
-- none.
function build.user_error(said)
   for line in said:gmatch "[^\n]+" do
      local label, at, message = line:match "^(kernel '[^']*', [%l_]+):(%d+):[%d:]* ?[fatal ]*error: (.*)$"
      if label then return ("%s, line %s: %s"):format(label, at, (message:gsub(" %[%-W[^%]]*%]$", ""))) end
   end
end

-- Compiles in a folder of its own, and hands the path of the library to `take`; false and what the compiler said.
local function compile(words, options, take)
   local folder, problem = tried(scute.files.temporary)
   if not folder then return false, problem end
   local work <close> = setmetatable({ folder = folder }, Work)
   local written, why = write(folder .. "/kernel.c", options.source)
   if not written then return false, why end
   local said
   for _, flags in ipairs(FLAGS) do
      local done, text = work:compile(command(words, flags, options))
      if done then return take(folder .. "/kernel.so") end
      said = said or text
      if done == nil or build.user_error(text) then break end
   end
   return false, said
end

-- The first line of what a compiler said that is about an error, else the first of all.
local function first_error(said)
   return said:match "[^\n]*error[^\n]*" or said:match "[^\n]+" or "it said nothing; is there room in $TMPDIR, or /tmp?"
end

--- What a failure of build.load means, for whoever declared what the label names.
function build.explain(label, failed)
   if failed.missing then return ("%s: %s"):format(label, failed.missing) end
   return build.user_error(failed.said) or ("%s: the C compiler failed: %s"):format(label, first_error(failed.said))
end

-- Keeps what was made, and opens it; false and what went wrong. names: { library, latest = see names_of }.
local function take(made, names, open)
   local bytes = first_of(made, "a")
   if not bytes or bytes == "" then return false, "it made no library" end
   local path = kept.keep(names.library, bytes)
   local _, unfit = tried(open, path or made)
   if not unfit then
      if path then kept.keep(names.latest, names.library) end
      return true
   end
   if not path then return false, unfit end
   local _, why = tried(open, made)
   kept.forget(path, not why and unfit or nil)
   return not why, why
end

-- The files that what is compiled is kept in: `library`, by the compiler (words, nil: there is none) as it is now, and
-- `latest`, which says what that was where there is no compiler any more.
local function names_of(options, words)
   local parts = { options.source, build.header(), table.concat(options.flags or {}, " "),
      table.concat(FLAGS[1], " "), processor(), typed() }
   local latest = scute.files.digest(table.concat(parts, "\0")) .. ".latest"
   if not words then return { latest = latest } end
   parts[#parts + 1] = table.concat(words, " ")
   parts[#parts + 1] = scute.files.stamp(words[1]) or ""
   return { latest = latest, library = scute.files.digest(table.concat(parts, "\0")) .. ".so" }
end

-- Opens what a compiler made that is not there now; whether there was something.
local function open_latest(names, open)
   local _, library = kept.find(names.latest)
   local path = library and kept.find(library)
   return path ~= nil and pcall(open, path)
end

--- Compiles C into a library, or finds it kept, and calls options.open(path). options:
--   source     the text, which may include kernels/cpu/vmath.h
--   flags      more flags, a list
--   only_kept  true: where it is not kept, it is not compiled
-- Returns true; false and { missing = there is no compiler: why } or { said = what the compiler said }.
function build.load(options)
   local words, missing = compiler()
   local names = names_of(options, words)
   if not words then return open_latest(names, options.open), { missing = missing } end
   local path = kept.find(names.library)
   if path and pcall(options.open, path) then return true end
   if options.only_kept then return false, { said = "nothing is kept" } end
   local done, said = compile(words, options, function(made) return take(made, names, options.open) end)
   if done then return true end
   return false, { said = said }
end

return build
