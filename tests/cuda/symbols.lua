-- The functions that the CUDA backend calls are those of the real libraries and of the software GPU, with the same signatures:
--   * whatever the plugin leaves undefined, the program, the real libraries or the system's have;
--   * what it takes from the real libraries, the software GPU has; and that has no function of its own under such a name;
--   * each function of the software GPU is compiled with the toolkit's declaration before it (-Wmissing-declarations), from
--     which it cannot differ: that a wrong signature does not compile is tried.
-- Where the plugin for real devices is not built, only the last is checked.
-- Usage: scute tests/cuda/symbols.lua
local lfs = require "lfs"

local here = arg[0]:match "^(.*)/" or "."
local program = arg[-1]
local build = program:match "^(.*)/" or "."
local soft = build .. "/softgpu"
local tally = dofile "tests/tally.lua"
local check = tally.check

local function output_of(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   return pipe:close(), text
end

local function names(set)
   local list = {}
   for name in pairs(set) do list[#list + 1] = name end
   table.sort(list)
   return table.concat(list, " ")
end

local function read_file(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

-- ---- symbols ----

-- Names that a file defines, or leaves undefined, for others to see; those that may stay undefined (w, v) left out.
local function symbols(path, which)
   local ok, text = output_of(("nm -D --%s-only '%s'"):format(which, path))
   assert(ok, text)
   local set = {}
   for kind, name in text:gmatch "%f[%w]([%a])%s+([^%s@]+)[^\n]*" do
      if which == "defined" or kind == "U" then set[name] = true end
   end
   return set
end

local function add(to, set)
   for name in pairs(set) do to[name] = true end
end

local function without(a, b)
   local left = {}
   for name in pairs(a) do
      if not b[name] then left[name] = true end
   end
   return left
end

local function is_cuda(path)
   return path:find "/libcud[%w]*%.so" or path:find "/libcublas%.so"
end

-- What the libraries that a shared object needs export: those of CUDA, and all.
local function libraries_of(path)
   local ok, text = output_of(("ldd '%s'"):format(path))
   assert(ok, text)
   local cuda, all, lost = {}, {}, {}
   for line in text:gmatch "[^\n]+" do
      local found = line:match "=> (/%S+)" or line:match "^%s*(/%S+)"
      if line:find "not found" then
         lost[#lost + 1] = line:match "%S+"
      elseif found then
         local exported = symbols(found, "defined")
         add(all, exported)
         if is_cuda(found) then add(cuda, exported) end
      end
   end
   return cuda, all, lost
end

local function of_cuda(set)
   local some = {}
   for name in pairs(set) do
      if name:find "^cuda%u" or name:find "^cublas%u" or name:find "^cudnn%u" then some[name] = true end
   end
   return some
end

local function intersection(a, b)
   return without(a, without(a, b))
end

local function check_symbols()
   local plugin, double = build .. "/scute_cuda.so", soft .. "/scute_cuda.so"
   local soft_cuda = {}
   for _, name in ipairs { "libcudart.so.13", "libcublas.so.13", "libcudnn.so.9" } do
      add(soft_cuda, of_cuda(symbols(soft .. "/lib/" .. name, "defined")))
   end
   local called = of_cuda(symbols(double, "undefined"))
   check(next(called) ~= nil, "the plugin for the software GPU calls CUDA", double)
   check(not next(without(called, soft_cuda)), "the software GPU has what its plugin calls", names(without(called, soft_cuda)))
   if not lfs.attributes(plugin) then return print "the plugin for real devices is not built: its symbols are not checked" end
   local cuda, all, lost = libraries_of(plugin)
   if #lost > 0 then return print("not installed, so symbols are not checked: " .. table.concat(lost, " ")) end
   add(all, symbols(program, "defined"))
   local wanted = symbols(plugin, "undefined")
   check(not next(without(wanted, all)), "nothing is undefined in " .. plugin, names(without(wanted, all)))
   local taken = intersection(wanted, cuda)
   for _, name in ipairs { "cudaLaunchKernel", "cublasGemmEx", "cudnnConvolutionForward" } do
      check(taken[name], "the plugin takes " .. name .. " from the real libraries", names(taken))
   end
   -- __cudaRegisterFatBinary and its kin are nvcc's own, for kernels that g++ links as they are.
   local public = of_cuda(taken)
   check(not next(without(public, soft_cuda)), "the software GPU has all that the plugin takes",
      names(without(public, soft_cuda)))
   check(not next(without(called, cuda)), "the real libraries have all that the software GPU is asked for",
      names(without(called, cuda)))
   check(not next(without(soft_cuda, cuda)), "the software GPU has no functions that the real libraries have not",
      names(without(soft_cuda, cuda)))
end

-- The compiler is opened at run time, by names that the plugin has as texts.
local function check_compiler()
   local functions = symbols(soft .. "/lib/libnvrtc.so.13", "defined")
   for name in pairs(functions) do
      if not name:find "^nvrtc%u" then functions[name] = nil end
   end
   local named = {}
   for name in read_file(here .. "/../../kernels/cuda/nvrtc.c"):gmatch '{"(nvrtc%u%w+)"' do named[name] = true end
   check(next(named) ~= nil and not next(without(named, functions)), "the software GPU's NVRTC has what is asked of it",
      names(without(named, functions)))
   for _, folder in ipairs { "/usr/local/cuda/lib64", "/usr/local/cuda/lib" } do
      local path = folder .. "/libnvrtc.so.13"
      if lfs.attributes(path) then
         local real = symbols(path, "defined")
         return check(not next(without(functions, real)), "the real NVRTC has all of it", names(without(functions, real)))
      end
   end
end

-- NCCL, too, where its header was there.
local function check_nccl()
   local stands_in = soft .. "/lib/libnccl.so.2"
   if not lfs.attributes(stands_in) then return print "no nccl.h was found at build time: NCCL's symbols are not checked" end
   local functions, named = symbols(stands_in, "defined"), {}
   for name in pairs(functions) do
      if not name:find "^nccl%u" then functions[name] = nil end
   end
   for name in read_file(here .. "/../../kernels/cuda/nccl.c"):gmatch '{"(nccl%u%w+)"' do named[name] = true end
   check(next(named) ~= nil and not next(without(named, functions)), "the software GPU's NCCL has what is asked of it",
      names(without(named, functions)))
   check(not next(without(functions, named)), "and nothing else", names(without(functions, named)))
   for _, path in ipairs { "/usr/local/cuda/lib64/libnccl.so.2", "/usr/lib/x86_64-linux-gnu/libnccl.so.2" } do
      if lfs.attributes(path) then
         local real = symbols(path, "defined")
         return check(not next(without(functions, real)), "the real NCCL has all of it", names(without(functions, real)))
      end
   end
end

-- ---- signatures ----

-- How make compiles a source, but for what comes out of it and where from.
local function compiler_for(name)
   local make = "env -u MAKEFLAGS -u MFLAGS make -n -B -C '%s/../..' BUILD='%s' '%s/%s.o'"
   local _, text = output_of(make:format(here, build, soft, name))
   local command = text:match(("([^\n]*) %%-c %%-o %%S+ tests/cuda/%s%%.cpp"):format(name:gsub("%p", "%%%0")))
   return assert(command, text):gsub("%-MMD %-MP", "") .. " -fsyntax-only -x c++"
end

local function compiles(command, library, text)
   local path = os.tmpname()
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   local ok, said = output_of(("cd '%s' && %s -I. -I%s '%s'"):format(here, command, library, path))
   os.remove(path)
   return ok, said
end

-- A source of each library, a function in it, and the same with another signature.
local ALTERED = {
   { library = "cudart", source = "api_stream",
      "cudaStreamSynchronize(cudaStream_t stream)", "cudaStreamSynchronize(const cudaStream_t *stream)" },
   { library = "cublas", source = "cublas",
      "cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)", "cublasSetMathMode(cublasHandle_t handle, int mode)" },
   { library = "cudnn", source = "handle",
      "cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)", "cudnnSetStream(cudnnHandle_t handle)" },
   { library = "nccl", source = "nccl", needs = soft .. "/lib/libnccl.so.2",
      "ncclCommFinalize(ncclComm_t comm)", "ncclCommFinalize(ncclComm_t *comm)" },
}

local function replaced(text, from, to)
   local first, last = text:find(from, 1, true)
   assert(first and not text:find(from, last + 1, true), from)
   return text:sub(1, first - 1) .. to .. text:sub(last + 1)
end

local function check_signature(each)
   local name = each.library .. "/" .. each.source
   local command = compiler_for(name)
   local checked = command:find "%-Wmissing%-declarations" and command:find "%-Werror"
   check(checked, name .. " is compiled with these checks", command)
   local text = read_file(("%s/%s.cpp"):format(here, name)):gsub('#include "%.%./', '#include "')
   local ok, said = compiles(command, each.library, text)
   check(ok, name .. " compiles", said)
   ok, said = compiles(command, each.library, replaced(text, each[1], each[2]))
   check(not ok and said:find "conflicting declaration", name .. " with a wrong signature does not compile", said)
   ok, said = compiles(command, each.library, replaced(text, each[1], (each[1]:gsub("%(", "Now(", 1))))
   check(not ok and said:find "no previous declaration", name .. " with an unknown function does not compile", said)
end

local function check_signatures()
   for _, each in ipairs(ALTERED) do
      if not each.needs or lfs.attributes(each.needs) then check_signature(each) end
   end
end

check_symbols()
check_compiler()
check_nccl()
check_signatures()
tally.finish()
