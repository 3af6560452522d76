-- Every failure that CUDA, cuBLAS and cuDNN can have in a training step, at every call. Half an hour; in parts: layers, then
-- ops and fits in four shares.
-- Usage: scute tests/soak/cuda_faults.lua [layers | ops SHARE | fits SHARE]      SHARE: 0 to 3
local soft = (arg[-1]:match "^(.*)/" or ".") .. "/build/softgpu"
if not io.open(soft .. "/scute_cuda.so") then
   print "no CUDA toolkit was found at build time: the software GPU is not built"
   os.exit(true, true)
end

local function run(what)
   local command = "OMP_NUM_THREADS=1 SCUTE_CUDA_CACHE= SCUTE_PLUGINS='%s' '%s' tests/cuda/faults.lua cuda %s"
   local _, _, code = os.execute(command:format(soft, arg[-1], what))
   return code == 0
end

local ok = true
if arg[1] then
   ok = run(arg[1] == "layers" and "layers" or ("%s 4 %s"):format(arg[1], arg[2]))
else
   for _, what in ipairs { "layers", "ops", "fits" } do ok = run(what) and ok end
end
os.exit(ok, true)
