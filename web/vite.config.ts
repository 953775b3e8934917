import { defineConfig } from "vite";

export default defineConfig({
  // Every address is relative to the page, `<root>/graphql`, so it works under any prefix a proxy adds.
  base: "./",
  build: {
    outDir: "../graphql_schema/static",
    emptyOutDir: true,
    assetsDir: "graphql/assets",
    license: { fileName: "LICENSES.md" },
    chunkSizeWarningLimit: 4000,
    // "use client" in React libraries is for servers.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  // Monaco's workers load further modules.
  worker: { format: "es" },
});
