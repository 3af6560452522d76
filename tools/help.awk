# Collects what the comments in host/bind say about functions ("// scute.name(...) -> ...", "// t:name(...)") and properties
# ("// t.name -> ...") into a C string, so that help() knows them too.
function flush_block() {
   if (block ~ /^(scute\.[a-z0-9_.]+|[a-z]+:[a-z0-9_]+|(t|image)\.[a-z_]+ ->)[ ({:,]/) print quote(block) "\n   \"\\n\""
   block = ""
}
function quote(text) {
   gsub(/\\/, "\\\\", text)
   gsub(/"/, "\\\"", text)
   gsub(/\n/, "\\n\"\n   \"", text)
   return "   \"" text "\\n\""
}
BEGIN { print "const char sc_binding_help[] =" }
FNR == 1 { flush_block() }
/^\/\/ / { block = block (block == "" ? "" : "\n") substr($0, 4); next }
{ flush_block() }
END { flush_block(); print "   \"\";" }
