-- No step of training like the one before takes memory from a GPU or gives any back, for every network there is (the suite of
-- CUDA does a few). Usage: scute tests/soak/cuda_steady.lua
local soft = (arg[-1]:match "^(.*)/" or ".") .. "/build/softgpu"
if not io.open(soft .. "/scute_cuda.so") then
   print "no CUDA toolkit was found at build time: the software GPU is not built"
   os.exit(true, true)
end
local command = "SOFTGPU_COMPUTE=none SOFTGPU_MEMORY=64000000000 SCUTE_PLUGINS='%s' '%s' tests/cuda/steady.lua cuda all"
local _, _, code = os.execute(command:format(soft, arg[-1]))
os.exit(code == 0, true)
