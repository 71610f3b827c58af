import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// `regl` compiles its draw calls with `new Function`, which our content security policy forbids; this build of it takes
// them ready made (src/map/compiled.js).
export default defineConfig({
    plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
    resolve: { alias: [{ find: /^regl$/, replacement: "@plotly/regl" }] },
    build: { outDir: "dist", license: { fileName: "licences.md" }, assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 900 },
    server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
