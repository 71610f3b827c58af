// Draw calls of regl-scatterplot, made ready by scripts/compile-map.mjs.
export const COMPILED: Record<string, unknown> = {};
