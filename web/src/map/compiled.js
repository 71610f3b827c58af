// Made by scripts/compile-map.mjs: do not edit.
export const COMPILED = {};
