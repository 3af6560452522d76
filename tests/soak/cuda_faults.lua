-- Every failure that CUDA, cuBLAS and cuDNN can have in a training step, at every call. Usage: scute tests/soak/cuda_faults.lua
local soft = (arg[-1]:match "^(.*)/" or ".") .. "/build/softgpu"
if not io.open(soft .. "/scute_cuda.so") then
   print "no CUDA toolkit was found at build time: the software GPU is not built"
   os.exit(true, true)
end
local _, _, code = os.execute(("SCUTE_CUDA_CACHE= SCUTE_PLUGINS='%s' '%s' tests/cuda/faults.lua cuda 1"):format(soft, arg[-1]))
os.exit(code == 0, true)
