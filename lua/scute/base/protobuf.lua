-- Protocol buffers, as they are written: each field of a message is its number and kind, and what it holds. What is written so
-- far are TensorBoard's event files and ONNX; nothing is read.
--
--    local point = protobuf.whole(1, 3) .. protobuf.bytes(2, "a name")
local protobuf = {}

--- A whole number in groups of seven bits, the lowest first; a negative one takes ten bytes.
function protobuf.varint(n)
   local bytes = {}
   repeat
      local low = n & 127
      n = n >> 7
      bytes[#bytes + 1] = string.char(n ~= 0 and low | 128 or low)
   until n == 0
   return table.concat(bytes)
end

local varint = protobuf.varint

--- A field of type int32, int64, bool or enum.
function protobuf.whole(field, n) return varint(field << 3) .. varint(n) end

--- A field of type double.
function protobuf.double(field, x) return varint(field << 3 | 1) .. string.pack("<d", x) end

--- A field of type float.
function protobuf.float(field, x) return varint(field << 3 | 5) .. string.pack("<f", x) end

--- What stands before a field of `length` bytes: for one that is too long to be a text.
function protobuf.head(field, length) return varint(field << 3 | 2) .. varint(length) end

--- A field of type string, bytes, or another message.
function protobuf.bytes(field, text) return protobuf.head(field, #text) .. text end

return protobuf
