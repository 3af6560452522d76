-- A step and an evaluation of every backbone on the software GPU (the suite of CUDA does a few).
-- Usage: scute tests/soak/cuda_models.lua
local soft = (arg[-1]:match "^(.*)/" or ".") .. "/build/softgpu"
if not io.open(soft .. "/scute_cuda.so") then
   print "no CUDA toolkit was found at build time: the software GPU is not built"
   os.exit(true, true)
end
local _, _, code = os.execute(("SCUTE_PLUGINS='%s' '%s' tests/cuda/models.lua"):format(soft, arg[-1]))
os.exit(code == 0, true)
