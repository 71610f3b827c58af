/** The draw calls of regl-scatterplot by the hash of their source, as regl looks them up. */
export const COMPILED: Record<string, (...linked: unknown[]) => unknown>;
