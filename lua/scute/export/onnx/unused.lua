-- A name for a tensor of a file (scute.export.onnx_file) that no other one has: filters that two batch norms are folded into
-- are two tensors.
return function(g, name)
   local free, n = name, 1
   while g.by_name[free] do
      n = n + 1
      free = ("%s_%d"):format(name, n)
   end
   return free
end
