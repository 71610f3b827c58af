// Which versions of a model stand side by side.
import type { VersionInfo } from "../api/types";

/** As many of the latest. */
const MOST = 5;

/** The latest, the one in use, and what there was before any answer, in the order in which they come. */
export function sideBySide<T extends Pick<VersionInfo, "version" | "current">>(versions: readonly T[]): T[] {
    return versions.filter((one, place) => place < MOST || one.current || one.version === 0);
}
