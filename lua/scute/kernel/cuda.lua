-- Kernels on a GPU: compiled where a call first needs them, for its dtype, or found kept.
local scute = require "scute.core"
local console = require "scute.base.console"
local kept = require "scute.kernel.kept"

local cuda = {}

-- f(...), whose errors have no place in this file.
local function plainly(f, ...)
   local ok, result = pcall(f, ...)
   if ok then return result end
   error(scute.error_like(result, console.message(result)), 0)
end

-- Code that was kept is the compiler's own, but the driver may be another by now.
local function load_kept(op, device, dtype, name)
   local _, code = kept.find(name)
   return code ~= nil and pcall(scute.own_gpu_load, op, device, dtype, code)
end

local function make(op, device, dtype, source)
   local compiler = plainly(scute.own_gpu_compiler, device)
   local name = scute.files.digest(compiler .. "\0" .. source) .. ".cubin"
   if load_kept(op, device, dtype, name) then return end
   local code = plainly(scute.own_gpu_compile, device, source)
   kept.keep(name, code)
   plainly(scute.own_gpu_load, op, device, dtype, code)
end

--- Tells how an op comes to its code on a GPU. source: function(dtype) -> its text in CUDA; grid, grid_backward: blocks and
-- threads of a whole function (scute.kernel.cuda_whole), or nil.
function cuda.offer(op, source, grid, grid_backward)
   scute.own_gpu_by(op, function(device, dtype) make(op, device, dtype, source(dtype)) end, grid, grid_backward)
end

return cuda
