// What a profiler loads into a program that marks its phases: writes the ranges as they begin and end,
// indented, to NVTX_LOG. A program opens it where NVTX_INJECTION64_PATH names it.
#include <stdio.h>
#include <stdlib.h>
#include <nvtx3/nvToolsExt.h>

static FILE *file;
static int depth;

static int push(const char *name) {
   fprintf(file, "%*s%s\n", 2 * depth, "", name);
   return depth++;
}

static int pop(void) {
   if (--depth < 0) fprintf(file, "a range ends that was not begun\n");
   return depth;
}

static void close_file(void) {
   fprintf(file, "%d left\n", depth);
   fclose(file);
}

__attribute__((visibility("default"))) int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t export_table) {
   const NvtxExportTableCallbacks *callbacks = export_table(NVTX_ETID_CALLBACKS);
   NvtxFunctionTable table;
   unsigned size;
   file = fopen(getenv("NVTX_LOG"), "w");
   if (!file || !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size)) return 0;
   *table[NVTX_CBID_CORE_RangePushA] = (NvtxFunctionPointer)push;
   *table[NVTX_CBID_CORE_RangePop] = (NvtxFunctionPointer)pop;
   atexit(close_file);
   return 1;
}
